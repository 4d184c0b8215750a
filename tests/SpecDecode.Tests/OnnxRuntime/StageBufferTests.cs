using System.Globalization;
using Microsoft.ML.OnnxRuntime;
using SpecDecode.Descriptions;
using SpecDecode.OnnxRuntime;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.OnnxRuntime;

[Collection(Alone.Name)]
public sealed class StageBufferTests : IDisposable
{
    private readonly StageBuffer _buffer;

    public StageBufferTests()
    {
        RuntimeEnvironment.Get(new RuntimeOptions(), _ => { });
        _buffer = new CpuBufferAllocator().Reserve(64 * sizeof(float), "a test");
    }

    public void Dispose() => _buffer.Dispose();

    [Fact]
    public void A_buffer_reads_as_zero_and_keeps_what_is_written()
    {
        Assert.Equal(256, _buffer.Bytes);
        Assert.All(_buffer.Span<float>(0, 64).ToArray(), value => Assert.Equal(0f, value));
        _buffer.Span<float>(60, 4)[3] = 5f;
        Assert.Equal(5f, _buffer.Span<float>(63, 1)[0]);
    }

    [Fact]
    public void A_view_is_the_buffers_own_memory()
    {
        using OrtValue view = _buffer.View(ElementType.Float32, 16, 2, 3, 4);
        Assert.Equal([2, 3, 4], view.GetTensorTypeAndShape().Shape);
        view.GetTensorMutableDataAsSpan<float>()[23] = 7f;
        Assert.Equal(7f, _buffer.Span<float>(39, 1)[0]);
    }

    [Theory]
    [InlineData(0, 65)]
    [InlineData(64, 1)]
    [InlineData(63, 2)]
    [InlineData(-1, 1)]
    [InlineData(0, -1)]
    [InlineData(1L << 40, 1)]
    public void A_span_or_view_beyond_the_buffer_is_refused(long first, int elements)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => _buffer.Span<float>(first, elements).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => _buffer.View(ElementType.Float32, first, elements));
    }

    [Fact]
    public void A_view_may_end_where_the_buffer_ends()
    {
        _buffer.View(ElementType.Float32, 0, 64).Dispose();
        _buffer.View(ElementType.Int32, 63, 1, 1).Dispose();
        Assert.Equal(0, _buffer.Span<float>(64, 0).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => _buffer.View(ElementType.Float32, 0, 8, 9));
    }

    [Fact]
    public void Sizes_that_overflow_are_refused()
    {
        Assert.Throws<OverflowException>(() => _buffer.View(ElementType.Float32, 0, 1L << 32, 1L << 32));
        Assert.ThrowsAny<Exception>(() => _buffer.View(ElementType.Float32, long.MaxValue, 1));
    }

    [Fact]
    public void A_disposed_buffer_gives_no_views_and_may_be_disposed_again()
    {
        _buffer.Dispose();
        _buffer.Dispose();

        Assert.Throws<ObjectDisposedException>(() => _buffer.Span<float>(0, 1).Length);
        Assert.Throws<ObjectDisposedException>(() => _buffer.View(ElementType.Float32, 0, 1));
    }

    [Fact]
    public void What_cannot_be_reserved_is_a_sentence_that_says_what_for()
    {
        SpecDecodeException error = Assert.Throws<SpecDecodeException>(() => new CpuBufferAllocator().Reserve(1L << 62, "a sequence of a test"));

        Assert.Contains("a sequence of a test", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new CpuBufferAllocator().Reserve(0, "nothing"));
    }

    [Fact]
    public void Reserved_address_space_takes_memory_only_where_it_is_written()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The resident set is read from /proc.");
        const long Reserved = 64L << 30;
        long before = ResidentBytes();
        using StageBuffer large = new CpuBufferAllocator().Reserve(Reserved, "a test");
        for (long place = 0; place < Reserved; place += Reserved / 16)
        {
            large.Span<byte>(place, 1)[0] = 1;
        }

        Assert.Equal(0, large.Span<byte>(Reserved - 1, 1)[0]);
        Assert.InRange(ResidentBytes() - before, long.MinValue, 64L << 20);
    }

    private static long ResidentBytes()
    {
        string line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
