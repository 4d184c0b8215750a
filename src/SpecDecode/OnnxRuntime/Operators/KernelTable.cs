using System.Collections.Concurrent;

namespace SpecDecode.OnnxRuntime.Operators;

/// <summary>The kernels that graphs of this process name by numbers, of one kind.</summary>
/// <typeparam name="TKernel">The kind.</typeparam>
internal static class KernelTable<TKernel>
    where TKernel : class
{
    private static readonly ConcurrentDictionary<long, TKernel> Kernels = new();
    private static long s_last;

    /// <summary>Enters a kernel.</summary>
    /// <returns>Its number, which no other of its kind gets.</returns>
    public static long Add(TKernel kernel)
    {
        long number = Interlocked.Increment(ref s_last);
        Kernels[number] = kernel;
        return number;
    }

    /// <summary>A kernel by its number.</summary>
    /// <exception cref="SpecDecodeException">There is none.</exception>
    public static TKernel Find(long number) => Kernels.TryGetValue(number, out TKernel? kernel)
        ? kernel
        : throw new SpecDecodeException($"There is no {typeof(TKernel).Name.ToLowerInvariant()} {number} in this process.");

    /// <summary>Takes a kernel out. Sessions that have found it keep it.</summary>
    public static void Remove(long number) => Kernels.TryRemove(number, out _);
}
