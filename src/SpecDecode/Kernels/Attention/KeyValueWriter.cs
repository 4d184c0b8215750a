using System.Numerics;
using System.Runtime.CompilerServices;

namespace SpecDecode.Kernels.Attention;

/// <summary>Turns queries and keys by their positions, and writes keys and values into pages. All of it number by number, so the same on every processor.</summary>
internal static unsafe class KeyValueWriter
{
    // As bits of a float32: from here on numbers round to infinity, 65,520, and from here on float16 has its full precision, 2^−14.
    private const int HalfOverflow = 0x477FF000;
    private const int LeastNormalHalf = 0x38800000;

    /// <summary>Turns a head's channels i and i + D/2 by the angle of pair i, and multiplies by a factor.</summary>
    /// <param name="from">The head, <c>[size]</c>.</param>
    /// <param name="to">Takes it.</param>
    /// <param name="size">Channels, a multiple of 16.</param>
    /// <param name="cosines">Of the position, <c>[size / 2]</c>; null for no turn.</param>
    /// <param name="sines">Likewise.</param>
    /// <param name="factor">The factor.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Turn(float* from, float* to, int size, float* cosines, float* sines, float factor)
    {
        int half = size / 2;
        int i = 0;
        for (; i + Vector<float>.Count <= half; i += Vector<float>.Count)
        {
            Vector<float> a = Vector.Load(from + i), b = Vector.Load(from + half + i);
            if (cosines is not null)
            {
                Vector<float> cosine = Vector.Load(cosines + i), sine = Vector.Load(sines + i);
                (a, b) = (a * cosine - b * sine, b * cosine + a * sine);
            }

            Vector.Store(a * factor, to + i);
            Vector.Store(b * factor, to + half + i);
        }

        for (; i < half; i++)
        {
            float a = from[i], b = from[half + i];
            if (cosines is not null)
            {
                (a, b) = (a * cosines[i] - b * sines[i], b * cosines[i] + a * sines[i]);
            }

            to[i] = a * factor;
            to[half + i] = b * factor;
        }
    }

    /// <summary>Writes a key and a value of one head at one position.</summary>
    /// <param name="layout">How they are stored.</param>
    /// <param name="head">The head's part of the page.</param>
    /// <param name="slot">The position in the page.</param>
    /// <param name="key">The key, turned, <c>[size]</c>.</param>
    /// <param name="value">The value, <c>[size]</c>.</param>
    /// <param name="size">Channels.</param>
    /// <returns>Whether every number can be stored so.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool Write(in PageLayout layout, byte* head, int slot, float* key, float* value, int size)
    {
        switch (layout.Type)
        {
            case KvPrecision.Fp32:
                float* keys = (float*)head + slot;
                for (int i = 0; i < size; i++)
                {
                    keys[i * PageLayout.Positions] = key[i];
                }

                Unsafe.CopyBlockUnaligned(head + layout.ValueOffset + slot * size * sizeof(float), value, (uint)size * sizeof(float));
                return true;

            case KvPrecision.Fp16:
                ushort* halfKeys = (ushort*)head + slot;
                ushort* halfValues = (ushort*)(head + layout.ValueOffset) + slot * size;
                int largest = 0;
                for (int i = 0; i < size; i++)
                {
                    halfKeys[i * PageLayout.Positions] = Half(key[i], ref largest);
                    halfValues[i] = Half(value[i], ref largest);
                }

                return largest < HalfOverflow;

            default:
                WriteBytes((sbyte*)head + slot, PageLayout.Positions, key, size, (float*)(head + layout.KeyScaleOffset) + slot);
                WriteBytes((sbyte*)head + layout.ValueOffset + slot * size, 1, value, size, (float*)(head + layout.ValueScaleOffset) + slot);
                return true;
        }
    }

    // To the nearest float16, of two equally near ones the even one.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ushort Half(float value, ref int largest)
    {
        int bits = BitConverter.SingleToInt32Bits(value);
        int magnitude = bits & 0x7FFFFFFF;
        int sign = (bits >>> 16) & 0x8000;
        largest = Math.Max(largest, magnitude);

        // Below the normal numbers of float16: the sum with 1/2 has the bits in their places, rounded by the addition.
        int half = magnitude < LeastNormalHalf
            ? BitConverter.SingleToInt32Bits(BitConverter.Int32BitsToSingle(magnitude) + 0.5f) - BitConverter.SingleToInt32Bits(0.5f)
            : (magnitude - ((127 - 15) << 23) + 0xFFF + ((magnitude >> 13) & 1)) >> 13;
        return (ushort)(sign | half);
    }

    // The largest becomes 127 or −127. Of numbers among which one is none, or is infinite, the scale is that, and so is whatever is computed with it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteBytes(sbyte* to, int stride, float* from, int size, float* scale)
    {
        // Heads have a multiple of 16 channels, and no processor more lanes than that.
        Vector<float> most = Vector<float>.Zero;
        for (int i = 0; i < size; i += Vector<float>.Count)
        {
            most = Vector.Max(most, Vector.Abs(Vector.Load(from + i)));
        }

        float largest = most[0];
        for (int i = 1; i < Vector<float>.Count; i++)
        {
            largest = MathF.Max(largest, most[i]);
        }

        *scale = largest / 127f;
        Vector<float> factor = Vector.Create(largest > 0 && float.IsFinite(largest) ? 127f / largest : 0);
        int* rounded = stackalloc int[Vector<int>.Count];
        for (int i = 0; i < size; i += Vector<float>.Count)
        {
            Vector<float> scaled = Vector.Load(from + i) * factor;
            Vector<float> whole = Vector.Clamp(Vector.Round(scaled), Vector.Create(-127f), Vector.Create(127f));
            Vector.Store(Vector.ConvertToInt32(Vector.ConditionalSelect(Vector.IsFinite(scaled), whole, Vector<float>.Zero)), rounded);
            for (int lane = 0; lane < Vector<int>.Count; lane++)
            {
                to[(i + lane) * stride] = (sbyte)rounded[lane];
            }
        }
    }
}
