using System.Runtime.CompilerServices;

namespace SpecDecode.Kernels.Attention;

/// <summary>
/// The softmax and the weighted values of one query vector over the stretches so far (Milakov and Gimelshein, 1805.02867): the highest score, the sum of
/// e^(score − highest), and the sum of the values so weighted. Stretches are always merged one by one in their order.
/// </summary>
/// <typeparam name="TLanes">The registers.</typeparam>
internal static unsafe class RunningSum<TLanes>
    where TLanes : unmanaged, ILanes<TLanes>
{
    private const int Lanes = 16;

    /// <summary>Adds a stretch.</summary>
    /// <param name="highest">The highest score so far.</param>
    /// <param name="total">The sum so far; 0 where there is none yet.</param>
    /// <param name="values">The values so far.</param>
    /// <param name="stretchHighest">The stretch's highest score.</param>
    /// <param name="stretchTotal">Its sum.</param>
    /// <param name="stretchValues">Its values.</param>
    /// <param name="size">Channels.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(ref float highest, ref float total, float* values, float stretchHighest, float stretchTotal, float* stretchValues, int size)
    {
        if (total == 0)
        {
            highest = stretchHighest;
            total = stretchTotal;
            Unsafe.CopyBlockUnaligned(values, stretchValues, (uint)size * sizeof(float));
            return;
        }

        float higher = stretchHighest > highest ? stretchHighest : highest;
        (float before, float now) = Factors(highest - higher, stretchHighest - higher);
        highest = higher;
        total = total * before + stretchTotal * now;
        TLanes a = TLanes.Create(before), b = TLanes.Create(now);
        for (int i = 0; i < size; i += Lanes)
        {
            TLanes.Store(TLanes.MultiplyAdd(TLanes.Load(stretchValues + i), b, TLanes.Multiply(TLanes.Load(values + i), a)), values + i);
        }
    }

    /// <summary>Divides by the sum, to which a sink is added.</summary>
    /// <param name="highest">The highest score.</param>
    /// <param name="total">The sum.</param>
    /// <param name="values">The values.</param>
    /// <param name="size">Channels.</param>
    /// <param name="sink">The sink's score; null for none.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Finish(float highest, float total, float* values, int size, float* sink)
    {
        float factor = 1f;
        if (sink is not null)
        {
            float higher = *sink > highest ? *sink : highest;
            (factor, float added) = Factors(highest - higher, *sink - higher);
            total = total * factor + added;
        }

        TLanes scale = TLanes.Create(factor / total);
        for (int i = 0; i < size; i += Lanes)
        {
            TLanes.Store(TLanes.Multiply(TLanes.Load(values + i), scale), values + i);
        }
    }

    private static (float, float) Factors(float first, float second)
    {
        float* x = stackalloc float[Lanes];
        new Span<float>(x, Lanes).Clear();
        x[0] = first;
        x[1] = second;
        TLanes.Store(LaneMath<TLanes>.Exp(TLanes.Load(x)), x);
        return (x[0], x[1]);
    }
}
