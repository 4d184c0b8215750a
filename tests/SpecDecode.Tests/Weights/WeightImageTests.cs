using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using SpecDecode.Descriptions;
using SpecDecode.Tests.Kernels;
using SpecDecode.Weights;

namespace SpecDecode.Tests.Weights;

/// <summary>Weights in memory, mapped or copied.</summary>
public sealed class WeightImageTests
{
    // Several pieces of what is read at a time, the last of them ragged.
    private const int Numbers = 9_000_001;

    [Theory]
    [InlineData(WeightMemory.Mapped)]
    [InlineData(WeightMemory.LargePages)]
    public unsafe void It_is_the_file_byte_for_byte(WeightMemory memory)
    {
        float[] numbers = ProductSetup.Numbers(Numbers, new Random(1));
        using MadeCheckpoint made = Made(numbers);
        using PreparedWeights weights = made.Prepare();
        weights.Memory = memory;
        PreparedTensor tensor = weights["w"];
        byte* address = weights.Address(tensor);
        Assert.True(MemoryMarshal.AsBytes(numbers.AsSpan()).SequenceEqual(new ReadOnlySpan<byte>(address, Numbers * sizeof(float))));
        Assert.Equal(0, (nint)address % 4096);
        Assert.Equal((nint)address, (nint)weights.Address(tensor));
        Assert.Equal([7, 8, 9], new ReadOnlySpan<float>(weights.Address(weights["last"]), 3).ToArray());
    }

    [Theory]
    [InlineData(WeightMemory.Mapped)]
    [InlineData(WeightMemory.LargePages)]
    public unsafe void It_is_made_once_however_many_ask_and_is_gone_when_the_weights_are(WeightMemory memory)
    {
        using MadeCheckpoint made = Made([1, 2, 3]);
        PreparedWeights weights = made.Prepare();
        weights.Memory = memory;
        nint[] found = new nint[16];
        Parallel.For(0, found.Length, i => found[i] = (nint)weights.Address(weights["w"]));
        Assert.Single(found.Distinct());
        weights.Dispose();
        weights.Dispose();
        Assert.Throws<ObjectDisposedException>(() => weights.Address(weights["w"]));
    }

    [Theory]
    [InlineData(WeightMemory.Mapped, 0)]
    [InlineData(WeightMemory.LargePages, 0)]
    [InlineData(WeightMemory.Mapped, 20 << 20)]
    [InlineData(WeightMemory.LargePages, 20 << 20)]
    public void A_file_that_has_become_shorter_is_an_error_and_not_memory_that_is_not_there(WeightMemory memory, int length)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There an open file cannot be cut short.");
        using MadeCheckpoint made = Made(new float[Numbers]);
        using PreparedWeights weights = made.Prepare();
        weights.Memory = memory;
        using (FileStream file = new(made.Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.SetLength(length);
        }

        SpecDecodeException error = Assert.ThrowsAny<SpecDecodeException>(() => Address(weights));
        Assert.Contains(made.Path, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(WeightMemory.Mapped)]
    [InlineData(WeightMemory.LargePages)]
    public void An_image_that_nobody_disposes_is_freed_in_the_end(WeightMemory memory)
    {
        using MadeCheckpoint made = Made([1, 2, 3]);
        made.Prepare().Dispose();
        WeakReference image = Forgotten(made.Path, memory);
        for (int i = 0; i < 10 && image.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(image.IsAlive);
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static WeakReference Forgotten(string path, WeightMemory memory)
    {
        using SafeFileHandle handle = File.OpenHandle(path);
        return new WeakReference(WeightImage.Open(handle, path, RandomAccess.GetLength(handle), memory));
    }

    private static unsafe nint Address(PreparedWeights weights) => (nint)weights.Address(weights["w"]);

    private static MadeCheckpoint Made(float[] numbers)
    {
        MadeCheckpoint made = new();
        return made.Add("w", TensorFormat.Float32, 1, numbers.Length, numbers).Add("last", TensorFormat.Float32, 3, 0, [7, 8, 9]);
    }
}
