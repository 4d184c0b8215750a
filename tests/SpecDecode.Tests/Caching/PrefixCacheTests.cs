using SpecDecode.Caching;
using SpecDecode.Tests.Scheduling;

namespace SpecDecode.Tests.Caching;

/// <summary>Pages are found by all tokens up to their end, by nothing less, and only within a root; and they go when room is wanted and nobody uses them.</summary>
public sealed class PrefixCacheTests
{
    private static readonly PrefixRoot Everybody = new(0, null);

    private readonly KvPool _pool = FakeKvMemory.NewPool();

    [Fact]
    public void A_text_is_found_as_far_as_it_was_added_in_full_pages()
    {
        PrefixCache cache = new(_pool, 100);
        int[] pages = Add(cache, Everybody, Text(1, 10));
        Assert.Equal(pages[..2], Find(cache, Everybody, Text(1, 10)));
        Assert.Equal(pages[..2], Find(cache, Everybody, Text(1, 30)));
        Assert.Equal(pages[..1], Find(cache, Everybody, Text(1, 7)));
        Assert.Empty(Find(cache, Everybody, Text(1, 3)));
        Assert.Empty(Find(cache, Everybody, Text(2, 10)));

        // The second page below another first one is another.
        Assert.Empty(Find(cache, Everybody, [.. Text(2, 4), .. Text(1, 10)[4..]]));
    }

    [Fact]
    public void Roots_share_nothing()
    {
        PrefixCache cache = new(_pool, 100);
        int[] pages = Add(cache, Everybody, Text(1, 9));
        foreach (PrefixRoot other in (PrefixRoot[])[new(1, null), new(0, ""), new(0, "a")])
        {
            Assert.Empty(Find(cache, other, Text(1, 9)));
            int[] own = Add(cache, other, Text(1, 9));
            Assert.Equal(own[..2], Find(cache, new PrefixRoot(other.Kind, other.Scope), Text(1, 9)));
        }

        Assert.Equal(pages[..2], Find(cache, Everybody, Text(1, 9)));
    }

    [Fact]
    public void Texts_whose_hashes_are_the_same_are_told_apart_by_their_tokens()
    {
        PrefixCache cache = new(_pool, 1000, (_, _) => 7);
        int[][] texts = [.. Enumerable.Range(0, 40).Select(seed => Text(seed, 17))];
        int[][] pages = [.. texts.Select(text => Add(cache, Everybody, text))];
        for (int i = 0; i < texts.Length; i++)
        {
            Assert.Equal(pages[i][..4], Find(cache, Everybody, texts[i]));
        }

        // Also when some of them go.
        for (int gone = 0; gone < 80; gone++)
        {
            Assert.True(cache.TryFreeOne());
            for (int i = 0; i < texts.Length; i++)
            {
                int[] found = Find(cache, Everybody, texts[i]);
                Assert.Equal(pages[i][..found.Length], found);
            }
        }
    }

    [Fact]
    public void What_was_looked_for_least_recently_goes_first_and_the_end_of_a_text_before_its_beginning()
    {
        PrefixCache cache = new(_pool, 100);
        Add(cache, Everybody, Text(1, 12));
        Add(cache, Everybody, Text(2, 12));
        Assert.Equal(3, Find(cache, Everybody, Text(1, 12)).Length);
        foreach ((int first, int second) in ((int, int)[])[(3, 2), (3, 1), (3, 0), (2, 0), (1, 0), (0, 0)])
        {
            Assert.True(cache.TryFreeOne());
            Assert.Equal((first, second), (Find(cache, Everybody, Text(1, 12), touches: false).Length, Find(cache, Everybody, Text(2, 12), touches: false).Length));
        }

        Assert.False(cache.TryFreeOne());
        Assert.Equal((0, 0, 0), (cache.Pages, _pool.Used, _pool.Idle));
    }

    [Fact]
    public void Pages_in_use_stay_and_a_text_that_lost_its_beginning_is_added_to_no_more()
    {
        PrefixCache cache = new(_pool, 100);
        Add(cache, Everybody, Text(1, 8));
        using KvCache user = new(_pool, 20);
        List<int> pages = [];
        PrefixPlace place = cache.Find(Everybody, Text(1, 8), pages);
        user.Take(pages.ToArray(), 8);
        Assert.False(cache.TryFreeOne());

        // Another writes the same, and its own pages are not those that are kept.
        using KvCache twin = new(_pool, 20);
        Fill(twin, 12);
        user.Dispose();
        Assert.True(cache.TryFreeOne() && cache.TryFreeOne());
        PrefixPlace lost = cache.Add(Everybody, place, Text(1, 12), twin.Pages);
        Assert.True(lost.IsLost);
        Assert.Empty(Find(cache, Everybody, Text(1, 12)));
        Assert.Equal(lost, cache.Add(Everybody, lost, Text(1, 12), twin.Pages));
    }

    [Fact]
    public void It_keeps_no_more_than_it_may()
    {
        PrefixCache cache = new(_pool, 5);
        for (int seed = 0; seed < 20; seed++)
        {
            Add(cache, Everybody, Text(seed, 15));
            Assert.InRange(cache.Pages, 3, 5);
            Assert.Equal(cache.Pages, _pool.Used);
            Assert.Equal(3, Find(cache, Everybody, Text(seed, 15)).Length);
        }
    }

    [Fact]
    public void The_last_page_of_a_root_may_go_for_the_first_of_another_text_below_it()
    {
        PrefixCache cache = new(_pool, 1);
        for (int seed = 0; seed < 30; seed++)
        {
            PrefixRoot root = new(0, seed % 7 == 0 ? "scope" : null);
            int[] pages = Add(cache, root, Text(seed, 9));
            Assert.Equal(pages[..1], Find(cache, root, Text(seed, 9)));
            Assert.Equal((1, 1), (cache.Pages, _pool.Used));
        }
    }

    [Fact]
    public void Random_histories_find_what_a_list_of_texts_finds_and_count_right()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            Random random = new(seed);
            using KvPool pool = FakeKvMemory.NewPool();
            PrefixCache cache = new(pool, random.Next(1, 40), seed % 2 == 0 ? null : (parent, tokens) => tokens.Span[0] % 3);
            Dictionary<int, (PrefixRoot Root, int[] Text)> contents = [];
            for (int step = 0; step < 60; step++)
            {
                PrefixRoot root = new(random.Next(2), random.Next(3) == 0 ? "scope" : null);
                int[] text = [.. Enumerable.Range(0, random.Next(1, 30)).Select(i => i < 8 ? i % 2 : random.Next(2))];
                List<int> pages = [];
                PrefixPlace place = cache.Find(root, text, pages);
                for (int i = 0; i < pages.Count; i++)
                {
                    Assert.Equal((root, string.Join(' ', text[..((i + 1) * 4)])), (contents[pages[i]].Root, string.Join(' ', contents[pages[i]].Text)));
                }

                using KvCache reader = new(pool, 40);
                reader.Take(pages.ToArray(), pages.Count * 4);
                Fill(reader, text.Length);
                cache.Add(root, place, text, reader.Pages);
                for (int i = pages.Count; i < text.Length / 4; i++)
                {
                    // Whoever is found under its tokens afterwards has these.
                    contents[reader.Pages[i]] = (root, text[..((i + 1) * 4)]);
                }

                {
                    cache.TryFreeOne();
                }
            }

            while (cache.TryFreeOne())
            {
            }

            Assert.Equal((0, 0, 0), (cache.Pages, pool.Used, pool.Idle));
        }
    }

    private static int[] Text(int seed, int length) => [.. Enumerable.Range(0, length).Select(i => seed * 1000 + i)];

    private static void Fill(KvCache cache, int length)
    {
        if (length > cache.CommittedLength)
        {
            using CacheTransaction transaction = new([]);
            transaction.Keep(transaction.Enlist(cache, length - cache.CommittedLength), length);
            transaction.Commit();
        }
    }

    private static int[] Find(PrefixCache cache, PrefixRoot root, int[] text, bool touches = true)
    {
        List<int> pages = [];
        cache.Find(root, text, pages);
        if (!touches)
        {
            // The order of the two that are looked for stays: text 1 is always the more recent.
            cache.Find(root, Text(1, 12), []);
        }

        return [.. pages];
    }

    // A text that somebody has read, and has ended.
    private int[] Add(PrefixCache cache, PrefixRoot root, int[] text)
    {
        using KvCache reader = new(_pool, text.Length);
        Fill(reader, text.Length);
        cache.Add(root, PrefixPlace.Beginning, text, reader.Pages);
        return reader.Pages.ToArray();
    }
}
