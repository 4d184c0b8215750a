using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SpecDecode.Checkpoints;

/// <summary>Makes singles of stored weights. Every value of the three types is a single, so nothing is rounded.</summary>
internal static class FloatWidening
{
    /// <summary>Widens elements as stored, little-endian and at any alignment.</summary>
    /// <param name="type">Single, half or bfloat16.</param>
    /// <param name="stored">Exactly the bytes of the elements.</param>
    /// <param name="destination">[elements], all of it filled.</param>
    /// <exception cref="ArgumentException">Another type, or lengths that do not agree.</exception>
    public static void Widen(TensorElementType type, ReadOnlySpan<byte> stored, Span<float> destination)
    {
        if (TensorDType.WeightBytes(type) is not { } size)
            throw new ArgumentException($"{type} cannot be widened to a single.", nameof(type));
        if (stored.Length != (long)destination.Length * size)
            throw new ArgumentException($"{stored.Length} bytes are not {destination.Length} elements of {size} bytes.", nameof(stored));

        switch (type)
        {
            case TensorElementType.Float32:
                stored.CopyTo(MemoryMarshal.AsBytes(destination));
                break;
            case TensorElementType.Float16:
                TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(stored), destination);
                break;
            default:
                WidenBFloat16(stored, destination);
                break;
        }
    }

    // A bfloat16 is the upper half of the single with the same value; so a shift keeps every bit, NaN payloads too.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WidenBFloat16(ReadOnlySpan<byte> stored, Span<float> destination)
    {
        ref byte source = ref MemoryMarshal.GetReference(stored);
        ref float target = ref MemoryMarshal.GetReference(destination);
        int done = 0;
        for (; done <= destination.Length - Vector<ushort>.Count; done += Vector<ushort>.Count)
        {
            var halves = Unsafe.ReadUnaligned<Vector<ushort>>(ref Unsafe.Add(ref source, (nint)done * sizeof(ushort)));
            Vector.Widen(halves, out var low, out var high);
            Vector.StoreUnsafe(Vector.AsVectorSingle(low << 16), ref target, (nuint)done);
            Vector.StoreUnsafe(Vector.AsVectorSingle(high << 16), ref target, (nuint)(done + Vector<float>.Count));
        }

        for (; done < destination.Length; done++)
        {
            uint half = Unsafe.ReadUnaligned<ushort>(ref Unsafe.Add(ref source, (nint)done * sizeof(ushort)));
            destination[done] = BitConverter.UInt32BitsToSingle(half << 16);
        }
    }
}
