using SpecDecode.Descriptions;

namespace SpecDecode.Tests.Kernels;

/// <summary>What a product does besides multiplying, with bounds.</summary>
internal static class ReferenceParts
{
    // √(2/π) and the cubic term of the approximation, as floats hold them.
    private static readonly Bounded GeluScale = new(Math.Sqrt(2 / Math.PI), Bounded.Unit);
    private static readonly Bounded GeluCubic = new(0.044715, 0.044715 * Bounded.Unit);

    /// <summary>A norm, by its formula.</summary>
    public static Bounded[] Norm(NormKind kind, float epsilon, ReadOnlySpan<float> row, ReadOnlySpan<float> weight, ReadOnlySpan<float> bias)
    {
        int width = row.Length;
        Bounded mean = 0;
        if (kind == NormKind.Layer)
        {
            mean = Bounded.Sum(row.ToArray().Select(x => (Bounded)x), roundings: width) / width;
        }

        Bounded[] centred = [.. row.ToArray().Select(x => kind == NormKind.Layer ? x - mean : x)];
        Bounded factor = 1 / Bounded.Sqrt((Bounded.Sum(centred.Select(x => x * x), roundings: width) / width) + epsilon);
        for (int i = 0; i < width; i++)
        {
            Bounded scaled = centred[i] * factor * (kind == NormKind.RmsAroundOne ? (Bounded)weight[i] + 1 : weight[i]);
            centred[i] = kind == NormKind.Layer ? scaled + bias[i] : scaled;
        }

        return centred;
    }

    /// <summary>A non-linearity, by its formula.</summary>
    public static Bounded Activate(Bounded x, Activation activation)
    {
        switch (activation)
        {
            case Activation.Silu:
                return Over(x, -1 * x);
            case Activation.GeluTanh:
                // x/2 · (1 + tanh z) is x / (1 + e^−2z).
                return Over(x, -2 * (GeluScale * (x + (GeluCubic * x * x * x))));
            default:
                return x.Value > 0 ? x : new Bounded(0, Math.Max(0, x.Value + x.Error));
        }
    }

    // x / (1 + e^y). Where that power is no float any more, the result is 0 or next to it.
    private static Bounded Over(Bounded x, Bounded y)
    {
        Bounded power = Bounded.Exp(y);
        return power.Value + power.Error < float.MaxValue ? x / (1 + power) : new Bounded(0, 2 * (Math.Abs(x.Value) + x.Error) / float.MaxValue);
    }
}
