using SpecDecode.Kernels;

namespace SpecDecode.Tests.Kernels;

public sealed unsafe class KernelScratchTests
{
    [Fact]
    public void It_grows_and_stays()
    {
        using KernelScratch scratch = new();
        nint small = (nint)scratch.Take(100);
        scratch.Return();
        nint same = (nint)scratch.Take(50);
        scratch.Return();
        Assert.Equal(small, same);
        byte* large = scratch.Take(1 << 20);
        new Span<byte>(large, 1 << 20).Fill(7);
        Assert.Equal(0, (nint)large % 64);
        scratch.Return();
        Assert.Equal((nint)large, (nint)scratch.Take(1 << 20));
        scratch.Return();
    }

    [Fact]
    public void Whoever_takes_it_while_it_is_taken_is_told_and_changes_nothing()
    {
        using KernelScratch scratch = new();
        byte* taken = scratch.Take(64);
        *taken = 5;
        Assert.Contains("Two threads", Assert.Throws<InvalidOperationException>(() => scratch.Take(1 << 20)).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => scratch.Take(8));
        Assert.Equal(5, *taken);
        scratch.Return();
        Assert.Equal((nint)taken, (nint)scratch.Take(64));
        scratch.Return();
    }

    [Fact]
    public void Memory_that_there_is_not_is_an_error_after_which_it_can_be_taken_again()
    {
        using KernelScratch scratch = new();
        scratch.Take(64);
        scratch.Return();
        Assert.Throws<OutOfMemoryException>(() => scratch.Take((nuint)1 << 62));
        byte* again = scratch.Take(64);
        new Span<byte>(again, 64).Fill(1);
        scratch.Return();
    }

    [Fact]
    public void A_product_that_finds_it_taken_fails_and_the_next_one_does_not()
    {
        using KernelScratch scratch = new();
        using KernelMatrix matrix = KernelMatrix.Random(ProductCase.Panels(Precision.Int8, 32), 32, 32, new Random(1));
        Product product = new(matrix.Panels, matrix.Format, 32, 32, default, ActivationPrecision.Int8, InstructionSets.Current, scratch);
        using NativeBuffer<float> row = new(ProductSetup.Numbers(32, new Random(2)));
        using NativeBuffer<float> result = new(32);
        product.Run(row.Start, 1, null, result.Start, ParallelRun.Serial);
        float[] expected = result.Span.ToArray();
        result.Span.Clear();

        scratch.Take(1);
        Assert.Throws<InvalidOperationException>(() => product.Run(row.Start, 1, null, result.Start, ParallelRun.Serial));
        scratch.Return();
        product.Run(row.Start, 1, null, result.Start, ParallelRun.Serial);
        Assert.Equal(expected, result.Span.ToArray());
    }

    [Fact]
    public void Disposed_twice_it_is_gone_once()
    {
        KernelScratch scratch = new();
        scratch.Take(10);
        scratch.Return();
        scratch.Dispose();
        scratch.Dispose();
    }
}
