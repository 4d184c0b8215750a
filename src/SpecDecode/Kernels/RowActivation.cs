using System.Numerics;
using System.Runtime.CompilerServices;
using SpecDecode.Descriptions;

namespace SpecDecode.Kernels;

/// <summary>Non-linearities, number by number.</summary>
internal static class RowActivation
{
    // √(2/π) and the cubic term of the tanh approximation (Hendrycks and Gimpel, 2016).
    private const float GeluScale = 0.7978845608f;
    private const float GeluCubic = 0.044715f;

    /// <summary>Whether there is code for it here.</summary>
    public static bool Has(Activation activation) => activation is Activation.Silu or Activation.GeluTanh or Activation.Relu;

    /// <summary>Applies one of those that there are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Apply(Vector<float> x, Activation activation) => activation switch
    {
        Activation.Silu => x / (Vector<float>.One + Vector.Exp(-x)),
        Activation.GeluTanh => GeluTanh(x),
        _ => Vector.ConditionalSelect(Vector.LessThan(x, Vector<float>.Zero), Vector<float>.Zero, x),
    };

    // x/2 · (1 + tanh z) = x / (1 + e^−2z).
    private static Vector<float> GeluTanh(Vector<float> x)
    {
        Vector<float> z = GeluScale * (x + GeluCubic * x * x * x);
        return x / (Vector<float>.One + Vector.Exp(-2f * z));
    }
}
