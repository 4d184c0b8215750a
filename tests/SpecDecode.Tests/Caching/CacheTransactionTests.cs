using SpecDecode.Caching;
using SpecDecode.Tests.Scheduling;

namespace SpecDecode.Tests.Caching;

public class CacheTransactionTests
{
    [Fact]
    public void An_enlisted_cache_is_committed_where_it_was_and_cached_beyond()
    {
        KvCache cache = Cache(2);
        using CacheTransaction transaction = new([]);
        Assert.Equal(0, transaction.Enlist(cache, 3));
        Assert.Equal((2, 5, true), State(cache));
    }

    [Fact]
    public void Committing_leaves_each_cache_at_the_length_it_keeps()
    {
        KvCache[] caches = [Cache(0), Cache(2), Cache(4), Cache(5)];
        using CacheTransaction transaction = new([]);
        int[] places = new int[caches.Length];
        for (int i = 0; i < caches.Length; i++)
        {
            places[i] = transaction.Enlist(caches[i], 3);
        }

        transaction.Keep(places[0], 3);
        transaction.Keep(places[1], 4);
        transaction.Keep(places[2], 4);
        transaction.Commit();
        Assert.Equal([(3, 3, false), (4, 4, false), (4, 4, false), (5, 5, false)], caches.Select(State));
    }

    [Fact]
    public void Of_several_lengths_to_keep_the_last_counts()
    {
        KvCache cache = Cache(2);
        using CacheTransaction transaction = new([]);
        int place = transaction.Enlist(cache, 3);
        transaction.Keep(place, 5);
        transaction.Keep(place, 3);
        transaction.Commit();
        Assert.Equal((3, 3, false), State(cache));
    }

    [Fact]
    public void Disposing_without_a_commit_puts_every_cache_back_whatever_it_was_to_keep()
    {
        KvCache[] caches = [Cache(0), Cache(4)];
        List<CacheTransaction.Entry> entries = [];
        using (CacheTransaction transaction = new(entries))
        {
            transaction.Keep(transaction.Enlist(caches[0], 3), 3);
            transaction.Enlist(caches[1], 1);
        }

        Assert.Equal([(0, 0, false), (4, 4, false)], caches.Select(State));
        Assert.Empty(entries);
    }

    [Fact]
    public void Disposing_after_a_commit_changes_nothing_even_when_a_cache_is_in_the_next_transaction()
    {
        KvCache cache = Cache(1);
        CacheTransaction first = new([]);
        first.Keep(first.Enlist(cache, 2), 3);
        first.Commit();
        using CacheTransaction next = new([]);
        next.Enlist(cache, 2);
        first.Dispose();
        Assert.Equal((3, 5, true), State(cache));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public void Keeping_less_than_was_committed_or_more_than_was_written_throws(int length)
    {
        KvCache cache = Cache(2);
        List<CacheTransaction.Entry> entries = [];
        using CacheTransaction transaction = new(entries);
        transaction.Enlist(cache, 3);
        Assert.Throws<ArgumentOutOfRangeException>(() => new CacheTransaction(entries).Keep(0, length));
        transaction.Commit();
        Assert.Equal((2, 2, false), State(cache));
    }

    [Fact]
    public void A_cache_cannot_be_enlisted_twice_in_one_transaction_and_stays_enlisted_once()
    {
        KvCache cache = Cache(2);
        List<CacheTransaction.Entry> entries = [];
        using CacheTransaction transaction = new(entries);
        int place = transaction.Enlist(cache, 3);
        Assert.Throws<InvalidOperationException>(() => new CacheTransaction(entries).Enlist(cache, 1));
        Assert.Single(entries);
        Assert.Equal((2, 5, true), State(cache));
        transaction.Keep(place, 5);
        transaction.Commit();
        Assert.Equal((5, 5, false), State(cache));
    }

    [Fact]
    public void A_cache_cannot_be_enlisted_in_two_transactions_and_the_one_refused_leaves_it_alone()
    {
        KvCache cache = Cache(2);
        using CacheTransaction transaction = new([]);
        transaction.Enlist(cache, 3);
        Assert.Throws<InvalidOperationException>(() =>
        {
            using CacheTransaction second = new([]);
            second.Enlist(cache, 1);
        });
        Assert.Equal((2, 5, true), State(cache));
    }

    [Theory]
    [InlineData(7)]
    [InlineData(int.MaxValue)]
    public void Rows_that_do_not_fit_are_refused_and_nothing_is_left_enlisted(int rows)
    {
        KvCache[] caches = [Cache(1), Cache(2)];
        List<CacheTransaction.Entry> entries = [];
        Assert.Throws<InvalidOperationException>(() =>
        {
            using CacheTransaction transaction = new(entries);
            transaction.Enlist(caches[0], 1);
            transaction.Enlist(caches[1], rows);
        });
        Assert.Equal([(1, 1, false), (2, 2, false)], caches.Select(State));
        Assert.Empty(entries);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    public void A_pass_that_writes_no_row_of_a_cache_cannot_enlist_it(int rows)
    {
        KvCache cache = Cache(2);
        List<CacheTransaction.Entry> entries = [];
        Assert.Throws<ArgumentOutOfRangeException>(() => new CacheTransaction(entries).Enlist(cache, rows));
        Assert.Empty(entries);
        Assert.Equal((2, 2, false), State(cache));
    }

    [Fact]
    public void The_last_free_position_can_be_written()
    {
        KvCache cache = Cache(7);
        using CacheTransaction transaction = new([]);
        transaction.Keep(transaction.Enlist(cache, 1), 8);
        transaction.Commit();
        Assert.Equal((8, 8, false), State(cache));
    }

    [Fact]
    public void Any_run_of_transactions_leaves_the_lengths_that_arithmetic_says()
    {
        for (int seed = 0; seed < 3000; seed++)
        {
            Random random = new(seed);
            KvCache[] caches = [Cache(0), Cache(0), Cache(0)];
            int[] lengths = new int[caches.Length];
            List<CacheTransaction.Entry> entries = [];
            for (int round = 0; round < 10; round++)
            {
                int[] after = [.. lengths];
                bool commits = random.Next(3) > 0;
                using (CacheTransaction transaction = new(entries))
                {
                    for (int i = 0; i < caches.Length; i++)
                    {
                        int rows = random.Next(4);
                        if (rows == 0 || lengths[i] + rows > caches[i].Capacity)
                        {
                            continue;
                        }

                        int place = transaction.Enlist(caches[i], rows);
                        Assert.Equal((lengths[i], lengths[i] + rows, true), State(caches[i]));
                        if (random.Next(5) > 0)
                        {
                            after[i] = lengths[i] + random.Next(rows + 1);
                            transaction.Keep(place, after[i]);
                        }
                    }

                    if (commits)
                    {
                        transaction.Commit();
                    }
                }

                lengths = commits ? after : lengths;
                int rolled = random.Next(caches.Length);
                if (random.Next(3) == 0)
                {
                    lengths[rolled] = random.Next(lengths[rolled] + 1);
                    caches[rolled].RollBackTo(lengths[rolled]);
                }

                Assert.Equal(lengths.Select(length => (length, length, false)), caches.Select(State));
            }
        }
    }

    private static (int Committed, int Cached, bool InTransaction) State(KvCache cache) =>
        (cache.CommittedLength, cache.CachedLength, cache.InTransaction);

    // A cache of eight positions, some of them committed.
    private static KvCache Cache(int committed)
    {
        KvCache cache = new(FakeKvMemory.NewPool(), 8);
        if (committed > 0)
        {
            using CacheTransaction transaction = new([]);
            transaction.Keep(transaction.Enlist(cache, committed), committed);
            transaction.Commit();
        }

        return cache;
    }
}
