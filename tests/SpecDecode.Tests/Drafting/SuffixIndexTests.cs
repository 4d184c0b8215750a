using SpecDecode.Drafting;

namespace SpecDecode.Tests.Drafting;

public class SuffixIndexTests
{
    [Theory]
    [InlineData(1, 12, 40)]
    [InlineData(2, 300, 100)]
    [InlineData(3, 2_000, 500)]
    [InlineData(4, 400, 100_000)]
    public void It_finds_what_a_search_from_end_to_start_finds(int seed, int length, int vocabulary)
    {
        Random random = new(seed);
        for (int turn = 0; turn < 20; turn++)
        {
            // Pieces of the text come again, some after others, so that there are matches of all lengths.
            List<int> text = [];
            while (text.Count < length)
            {
                int from = random.Next(text.Count + 1);
                int copied = random.Next(3) == 0 ? Math.Min(random.Next(45), text.Count - from) : 0;
                text.AddRange(copied > 0 ? text.GetRange(from, copied) : [random.Next(vocabulary)]);
            }

            // Room for many more, so that hardly any pair shares its chain with a frequent one that would fill it.
            Compare([.. text.Take(length)], 64 * length, random);
        }
    }

    [Fact]
    public void In_a_small_index_where_most_hashes_collide_only_equal_tokens_match()
    {
        // 32 places and 31 pairs: no chain is cut, and with ids that differ in few bits many pairs share a hash.
        Random random = new(9);
        for (int turn = 0; turn < 2_000; turn++)
        {
            Compare([.. Enumerable.Range(0, 32).Select(_ => random.Next(6) << (turn % 28))], 32, random);
        }

        int[] distinct = [.. Enumerable.Range(0, 32).Select(i => i * 37)];
        SuffixIndex index = new(32);
        foreach (int token in distinct)
        {
            index.Append([token]);
            Assert.Equal(0, index.Find(new int[4], out int matchLength));
            Assert.Equal(0, matchLength);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(31)]
    [InlineData(40)]
    public void A_text_that_repeats_itself_goes_on_so(int period)
    {
        int[] text = [.. Enumerable.Range(0, 2 * period + 35).Select(i => i % period)];
        SuffixIndex index = new(text.Length);
        index.Append(text);
        int[] proposal = new int[100];
        Assert.Equal(100, index.Find(proposal, out int matchLength));
        Assert.Equal(SuffixIndex.MostMatch, matchLength);
        Assert.Equal(Enumerable.Range(text.Length, 100).Select(i => i % period), proposal);
    }

    [Fact]
    public void The_longest_match_wins_and_among_equals_the_most_recent()
    {
        SuffixIndex index = new(100);
        index.Append([1, 2, 3, 4, 50, 9, 3, 4, 60, 8, 3, 4, 70, 2, 3]);
        int[] proposal = new int[2];

        // "2 3 4" stood once, "3 4" later twice.
        index.Append([4]);
        Assert.Equal(2, index.Find(proposal, out int matchLength));
        Assert.Equal((3, 50, 9), (matchLength, proposal[0], proposal[1]));

        index.Append([77, 3, 4]);
        Assert.Equal(2, index.Find(proposal, out matchLength));
        Assert.Equal((2, 77, 3), (matchLength, proposal[0], proposal[1]));
    }

    [Fact]
    public void A_single_token_that_comes_again_is_no_match_and_the_proposal_stays()
    {
        SuffixIndex index = new(10);
        int[] proposal = [-7, -7];
        foreach (int token in (int[])[5, 6, 7, 5])
        {
            index.Append([token]);
            Assert.Equal(0, index.Find(proposal, out int matchLength));
            Assert.Equal(0, matchLength);
        }

        Assert.Equal([-7, -7], proposal);
        index.Append([6]);
        Assert.Equal(2, index.Find(proposal, out int length));
        Assert.Equal((2, 7, 5), (length, proposal[0], proposal[1]));
        Assert.Equal(0, index.Find([], out length));
        Assert.Equal(2, length);
    }

    [Fact]
    public void Three_equal_tokens_are_the_shortest_text_with_a_match()
    {
        SuffixIndex index = new(3);
        Assert.Equal(0, index.Find(new int[3], out _));
        index.Append([4, 4]);
        Assert.Equal(0, index.Find(new int[3], out _));
        index.Append([4]);
        int[] proposal = new int[3];
        Assert.Equal(3, index.Find(proposal, out int matchLength));
        Assert.Equal(2, matchLength);
        Assert.Equal([4, 4, 4], proposal);
    }

    [Fact]
    public void Of_a_pair_that_comes_very_often_the_most_recent_places_are_looked_at()
    {
        // The long match lies behind more places than are looked at; the nearest of those is taken.
        SuffixIndex index = new(1_000);
        index.Append([1, 2, 3, 99]);
        for (int i = 0; i < SuffixIndex.MostCandidates; i++)
        {
            index.Append([500 + i, 2, 3, 600 + i]);
        }

        index.Append([1, 2, 3]);
        int[] proposal = new int[1];
        Assert.Equal(1, index.Find(proposal, out int matchLength));
        Assert.Equal((2, 600 + SuffixIndex.MostCandidates - 1), (matchLength, proposal[0]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(64)]
    [InlineData(65)]
    public void More_tokens_than_its_capacity_are_refused_as_a_whole(int capacity)
    {
        SuffixIndex index = new(capacity);
        index.Append([]);
        index.Append(new int[capacity - 1]);
        ArgumentException refused = Assert.Throws<ArgumentException>(() => index.Append([8, 9]));
        Assert.Contains($"capacity of {capacity}", refused.Message, StringComparison.Ordinal);
        Assert.Equal(capacity - 1, index.Count);
        index.Append([0]);
        Assert.Equal(capacity, index.Count);
        Assert.Throws<ArgumentException>(() => index.Append([0]));
        Assert.Equal(capacity < 3 ? 0 : 1, index.Find(new int[1], out _));
    }

    [Fact]
    public void A_capacity_that_is_none_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new SuffixIndex(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SuffixIndex(-5));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SuffixIndex(SuffixIndex.MostCapacity + 1));
    }

    [Fact]
    public void Ids_may_be_any_integers()
    {
        SuffixIndex index = new(10);
        index.Append([int.MinValue, int.MaxValue, -1, 0, int.MinValue, int.MaxValue]);
        int[] proposal = new int[2];
        Assert.Equal(2, index.Find(proposal, out int matchLength));
        Assert.Equal((2, -1, 0), (matchLength, proposal[0], proposal[1]));
    }

    [Fact]
    public void Its_memory_is_in_proportion_to_its_capacity_and_is_all_allocated_at_first()
    {
        int[] piece = new int[50];
        int[] proposal = new int[20];
        foreach (int capacity in (int[])[1_000, 100_000])
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            SuffixIndex index = new(capacity);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 12 * capacity, 16 * capacity + 1_000);

            before = GC.GetAllocatedBytesForCurrentThread();
            int found = 0;
            for (int i = 0; i < capacity / piece.Length; i++)
            {
                Array.Fill(piece, i % 9);
                index.Append(piece);
                found += index.Find(proposal, out _);
            }

            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
            Assert.True(found > 0);
        }
    }

    private static void Compare(int[] text, int capacity, Random random)
    {
        SuffixIndex index = new(capacity);
        int[] proposal = new int[12];
        int matches = 0;
        int compared = 0;
        while (index.Count < text.Length)
        {
            index.Append(text.AsSpan(index.Count, Math.Min(random.Next(1, 5), text.Length - index.Count)));
            int[] soFar = text[..index.Count];
            if (Occurrences(soFar) > SuffixIndex.MostCandidates / 2)
            {
                continue;
            }

            compared++;
            (int match, int expectedLength) = Search(soFar);
            int count = index.Find(proposal, out int matchLength);
            Assert.Equal(expectedLength, matchLength);
            Assert.Equal(expectedLength == 0 ? 0 : proposal.Length, count);
            if (count > 0)
            {
                matches++;
                List<int> whole = [.. soFar];
                for (int i = 0; i < count; i++)
                {
                    whole.Add(whole[match + i]);
                }

                Assert.Equal(whole.Skip(soFar.Length), proposal);
            }
        }

        Assert.True(compared > 0 && (matches > 0 || text.Length < 100), $"{compared} compared, {matches} matches");
    }

    // How often the last pair stood before.
    private static int Occurrences(int[] text) => text.Length < 2 ? 0
        : Enumerable.Range(1, text.Length - 2).Count(i => text[i - 1] == text[^2] && text[i] == text[^1]);

    private static (int Match, int Length) Search(int[] text)
    {
        (int Match, int Length) best = (0, 0);
        for (int end = text.Length - 1; end >= 2; end--)
        {
            int length = 0;
            while (length < Math.Min(32, end) && text[end - 1 - length] == text[text.Length - 1 - length])
            {
                length++;
            }

            if (length >= 2 && length > best.Length)
            {
                best = (end, length);
            }
        }

        return best;
    }
}
