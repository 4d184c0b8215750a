using SpecDecode.Caching;
using SpecDecode.Tests.Scheduling;

namespace SpecDecode.Tests.Caching;

public sealed class KvCacheTests : IDisposable
{
    private readonly KvPool _pool = FakeKvMemory.NewPool();
    private readonly KvCache _cache;

    public KvCacheTests() => _cache = new KvCache(_pool, 8);

    [Fact]
    public void A_new_cache_is_empty_and_has_no_pages()
    {
        Assert.Equal((0, 0, 8, false), (_cache.CommittedLength, _cache.CachedLength, _cache.Capacity, _cache.InTransaction));
        Assert.Equal(0, _pool.Used);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(5)]
    public void Rolling_back_keeps_a_smaller_or_the_same_length(int length)
    {
        Commit(5);
        _cache.RollBackTo(length);
        Assert.Equal((length, length), (_cache.CommittedLength, _cache.CachedLength));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(6)]
    [InlineData(int.MaxValue)]
    public void Rolling_back_to_what_was_never_committed_throws_and_changes_nothing(int length)
    {
        Commit(5);
        Assert.Throws<ArgumentOutOfRangeException>(() => _cache.RollBackTo(length));
        Assert.Equal((5, 5), (_cache.CommittedLength, _cache.CachedLength));
    }

    [Fact]
    public void Rolling_back_within_a_transaction_throws_and_changes_nothing()
    {
        Commit(5);
        using CacheTransaction transaction = new([]);
        transaction.Enlist(_cache, 2);
        Assert.Throws<InvalidOperationException>(() => _cache.RollBackTo(3));
        Assert.Equal((5, 7, true), (_cache.CommittedLength, _cache.CachedLength, _cache.InTransaction));
    }

    [Fact]
    public void Positions_given_up_by_rolling_back_can_be_written_again()
    {
        Commit(8);
        _cache.RollBackTo(6);
        Commit(2);
        Assert.Equal(8, _cache.CommittedLength);
        Assert.Throws<InvalidOperationException>(() => Commit(1));
    }

    [Fact]
    public void Disposing_it_frees_its_pages_once()
    {
        Commit(5);
        Assert.Equal(2, _pool.Used);
        _cache.Dispose();
        Assert.Equal(0, _pool.Used);
        _cache.Dispose();
        Assert.Equal(0, _pool.Used);
    }

    [Fact]
    public void A_page_that_others_use_is_copied_before_it_is_written()
    {
        FakeKvMemory memory = new(1);
        using KvPool pool = new(memory);
        using KvCache first = new(pool, 12);
        using CacheTransaction transaction = new([]);
        transaction.Keep(transaction.Enlist(first, 8), 8);
        for (int position = 0; position < 8; position++)
        {
            memory.Write(first, 0, position, (ulong)position);
        }

        transaction.Commit();
        using KvCache second = new(pool, 12);
        second.Take(first.Pages, 8);
        Assert.Equal((2, 2), (pool.Used, pool.Shared));
        second.RollBackTo(6);
        transaction.Enlist(second, 1);
        memory.Write(second, 0, 6, 99);
        Assert.Equal((3, 1), (pool.Used, pool.Shared));
        Assert.Equal([0ul, 3, 4, 5, 99], ((int[])[0, 3, 4, 5, 6]).Select(position => memory.Read(second, 0, position)));
        Assert.Equal(Enumerable.Range(0, 8).Select(position => (ulong)position), Enumerable.Range(0, 8).Select(position => memory.Read(first, 0, position)));
    }

    public void Dispose() => _cache.Dispose();

    private void Commit(int rows)
    {
        using CacheTransaction transaction = new([]);
        int place = transaction.Enlist(_cache, rows);
        transaction.Keep(place, _cache.CachedLength);
        transaction.Commit();
    }
}
