using System.Runtime.CompilerServices;

namespace SpecDecode.Kernels.Attention;

/// <summary>Functions of 16 floats that are the same bits on every processor with fused multiplication and addition.</summary>
/// <typeparam name="TLanes">The registers.</typeparam>
internal static unsafe class LaneMath<TLanes>
    where TLanes : unmanaged, ILanes<TLanes>
{
    // e^x is 2^n · e^r with n whole and |r| at most half of ln 2. Of the polynomials for e^r that of the Cephes library is right to two units of the last
    // place, and ln 2 comes in two parts, so that n · ln 2 is subtracted without an error.
    private const float Log2E = 1.44269504088896341f;
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;

    // The least that has a power of two among normal numbers.
    private const float Lowest = -87.3f;

    /// <summary>e^x of numbers up to 0; below −87.3 as of −87.3, and of what is no number the same.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Exp(TLanes x)
    {
        x = TLanes.Max(TLanes.Create(Lowest), x);
        TLanes n = TLanes.Round(TLanes.Multiply(x, TLanes.Create(Log2E)));
        TLanes r = TLanes.MultiplyAdd(n, TLanes.Create(-Ln2High), x);
        r = TLanes.MultiplyAdd(n, TLanes.Create(-Ln2Low), r);
        TLanes p = TLanes.MultiplyAdd(TLanes.Create(1.9875691500e-4f), r, TLanes.Create(1.3981999507e-3f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Create(8.3334519073e-3f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Create(4.1665795894e-2f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Create(1.6666665459e-1f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Create(5.0000001201e-1f));
        p = TLanes.MultiplyAdd(p, TLanes.Multiply(r, r), TLanes.Add(r, TLanes.Create(1f)));
        return TLanes.Multiply(p, TLanes.PowerOfTwo(n));
    }

    /// <summary>cap · tanh(x / cap), to a few millionths of cap.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes SoftCap(TLanes x, float cap)
    {
        // tanh z = (1 − e) / (1 + e) with e = e^−2|z|, and the sign of z.
        TLanes z = TLanes.Multiply(x, TLanes.Create(1f / cap));
        TLanes magnitude = TLanes.Max(TLanes.Subtract(TLanes.Zero, z), z);
        TLanes e = Exp(TLanes.Multiply(magnitude, TLanes.Create(-2f)));
        TLanes tanh = TLanes.Divide(TLanes.Subtract(TLanes.Create(1f), e), TLanes.Add(TLanes.Create(1f), e));
        return TLanes.Multiply(TLanes.CopySign(tanh, z), TLanes.Create(cap));
    }

    /// <summary>The largest.</summary>
    public static float Max(TLanes x)
    {
        float* lanes = stackalloc float[16];
        TLanes.Store(x, lanes);
        float max = lanes[0];
        for (int i = 1; i < 16; i++)
        {
            max = lanes[i] > max ? lanes[i] : max;
        }

        return max;
    }

    /// <summary>The sum, always added up in the same order.</summary>
    public static float Sum(TLanes x)
    {
        float* lanes = stackalloc float[16];
        TLanes.Store(x, lanes);
        for (int half = 8; half > 0; half /= 2)
        {
            for (int i = 0; i < half; i++)
            {
                lanes[i] += lanes[i + half];
            }
        }

        return lanes[0];
    }
}
