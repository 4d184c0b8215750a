using SpecDecode.Caching;
using SpecDecode.Stages;
using SpecDecode.Tests.Scheduling;

namespace SpecDecode.Tests.Stages;

public sealed class RowBatchTests : IDisposable
{
    private readonly KvCache _first = new(FakeKvMemory.NewPool(), 8);
    private readonly KvCache _second = new(FakeKvMemory.NewPool(), 8);

    [Fact]
    public void Rows_of_sequences_lie_back_to_back_in_the_order_in_which_they_were_added()
    {
        RowBatch batch = new(5);
        Assert.Equal(0, batch.Add(_first, 3, [7, 8]));
        Assert.Equal(2, batch.Add(_second, 0, [9]));
        Assert.Equal([7, 8, 9], batch.Tokens.ToArray());
        Assert.Equal([new RowSpan(_first, 0, 2, 3), new RowSpan(_second, 2, 1, 0)], batch.Spans);
        Assert.Equal((3, 2), (batch.Rows, batch.Room));
    }

    [Fact]
    public void More_rows_than_there_is_room_for_are_refused_and_leave_the_batch_as_it_was()
    {
        RowBatch batch = new(3);
        batch.Add(_first, 0, [1, 2]);
        Assert.Throws<ArgumentException>(() => batch.Add(_second, 0, [3, 4]));
        Assert.Equal([1, 2], batch.Tokens.ToArray());
        Assert.Equal((2, 1, 1), (batch.Rows, batch.Room, batch.Spans.Count));
    }

    [Fact]
    public void A_cleared_batch_is_empty_and_has_all_its_room()
    {
        RowBatch batch = new(3);
        batch.Add(_first, 0, [1, 2]);
        batch.Clear();
        Assert.Equal((0, 3, 0, 0), (batch.Rows, batch.Room, batch.Spans.Count, batch.Tokens.Length));
        Assert.Equal(0, batch.Add(_second, 4, [5]));
        Assert.Equal([new RowSpan(_second, 0, 1, 4)], batch.Spans);
    }

    public void Dispose()
    {
        _first.Dispose();
        _second.Dispose();
    }
}
