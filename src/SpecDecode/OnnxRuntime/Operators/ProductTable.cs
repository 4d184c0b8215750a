using System.Collections.Concurrent;
using SpecDecode.Kernels;

namespace SpecDecode.OnnxRuntime.Operators;

/// <summary>The products that graphs of this process name by numbers.</summary>
internal static class ProductTable
{
    private static readonly ConcurrentDictionary<long, Product> Products = new();
    private static long s_last;

    /// <summary>Enters a product.</summary>
    /// <returns>Its number, which no other gets.</returns>
    public static long Add(Product product)
    {
        long number = Interlocked.Increment(ref s_last);
        Products[number] = product;
        return number;
    }

    /// <summary>A product by its number.</summary>
    /// <exception cref="SpecDecodeException">There is none.</exception>
    public static Product Find(long number) => Products.TryGetValue(number, out Product? product)
        ? product
        : throw new SpecDecodeException($"There is no product {number} in this process.");

    /// <summary>Takes a product out. Sessions that have found it keep it.</summary>
    public static void Remove(long number) => Products.TryRemove(number, out _);
}
