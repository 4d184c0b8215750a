using System.Numerics;
using SpecDecode.Descriptions;
using SpecDecode.Kernels;

namespace SpecDecode.Tests.Kernels;

/// <summary>Norms and non-linearities of the kernels against their formulas.</summary>
public sealed class RowPartTests
{
    private static readonly float[] Numbers =
    [
        0, -0f, float.Epsilon, 1e-38f, -1e-38f, 1e-20f, -1e-20f, 1e-3f, -1e-3f, 0.5f, -0.5f, 1, -1, 3, -3, 10, -10, 20, -20, 40, -40, 60, -60,
        80, -80, 87, -87, 88, -88, 88.7f, -88.7f, 89, -89, 100, -100, 1e4f, -1e4f, 1e20f, -1e20f, 3e38f, -3e38f,
    ];

    [Theory]
    [InlineData(nameof(NormKind.Rms))]
    [InlineData(nameof(NormKind.RmsAroundOne))]
    [InlineData(nameof(NormKind.Layer))]
    public void A_norm_is_its_formula_in_rows_of_every_width(string name)
    {
        NormKind kind = Enum.Parse<NormKind>(name);
        Random random = new(1);
        foreach (int width in (int[])[1, 2, 3, 4, 7, 8, 9, 15, 16, 31, 32, 33, 63, 64, 65, 100, 128, 576, 4096])
        {
            float[] row = ProductSetup.Numbers(width, random);
            float[] weight = ProductSetup.Numbers(width, random);
            float[] bias = ProductSetup.Numbers(width, random);
            foreach (float epsilon in (float[])[1e-6f, 1e-2f])
            {
                float[] found = Run(kind, epsilon, row, weight, bias);
                ProductTests.AssertAllowed(ReferenceParts.Norm(kind, epsilon, row, weight, bias), found, $"{kind}, width {width}");
                Bits.AssertSame(found, Run(kind, epsilon, row, weight, bias, skipped: 3), $"{kind}, width {width}, at another place");
            }
        }
    }

    [Theory]
    [InlineData(nameof(NormKind.Rms))]
    [InlineData(nameof(NormKind.RmsAroundOne))]
    [InlineData(nameof(NormKind.Layer))]
    public void Rows_of_zeros_of_one_number_and_of_tiny_ones_have_finite_norms(string name)
    {
        NormKind kind = Enum.Parse<NormKind>(name);
        float[] ones = [.. Enumerable.Repeat(1f, 40)];
        foreach (float number in (float[])[0, 1, -7, 1e-30f])
        {
            float[] row = [.. Enumerable.Repeat(number, 40)];
            ProductTests.AssertAllowed(ReferenceParts.Norm(kind, 1e-5f, row, ones, ones), Run(kind, 1e-5f, row, ones, ones), $"{kind} of {number}");
        }
    }

    [Theory]
    [InlineData(nameof(Activation.Silu))]
    [InlineData(nameof(Activation.GeluTanh))]
    [InlineData(nameof(Activation.Relu))]
    public void A_non_linearity_is_its_formula_over_all_floats(string name)
    {
        Activation activation = Enum.Parse<Activation>(name);
        Random random = new(2);
        float[] numbers = [.. Numbers, .. Enumerable.Range(0, 20_000).Select(_ => (random.NextSingle() * 2 - 1) * MathF.ScaleB(1, random.Next(-20, 9)))];
        foreach (float number in numbers)
        {
            Bounded expected = ReferenceParts.Activate(number, activation);
            float found = Apply(number, activation);
            Assert.True(expected.Allows(found), $"{activation} of {number:g9} is {found:g9}, expected {expected}");
        }
    }

    [Fact]
    public void The_reference_s_forms_are_those_of_textbooks()
    {
        for (double x = -5; x <= 5; x += 0.01)
        {
            double tanh = x / 2 * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
            Assert.Equal(tanh, ReferenceParts.Activate(x, Activation.GeluTanh).Value, 1e-12);
            Assert.Equal(x / (1 + Math.Exp(-x)), ReferenceParts.Activate(x, Activation.Silu).Value, 1e-12);
        }
    }

    [Theory]
    [InlineData(nameof(Activation.Silu))]
    [InlineData(nameof(Activation.GeluTanh))]
    [InlineData(nameof(Activation.Relu))]
    public void What_is_no_number_stays_none_and_an_infinity_does_not_become_one_unnoticed(string name)
    {
        Activation activation = Enum.Parse<Activation>(name);
        Assert.True(float.IsNaN(Apply(float.NaN, activation)));
        Assert.Equal(float.PositiveInfinity, Apply(float.PositiveInfinity, activation));
        float negative = Apply(float.NegativeInfinity, activation);
        Assert.True(activation == Activation.Relu ? negative == 0 : negative == 0 || float.IsNaN(negative));
    }

    [Fact]
    public void The_gelu_with_the_error_function_is_left_to_others()
    {
        Assert.False(RowActivation.Has(Activation.Gelu));
        Assert.All((Activation[])[Activation.Silu, Activation.GeluTanh, Activation.Relu], activation => Assert.True(RowActivation.Has(activation)));
    }

    // In every lane the same.
    private static float Apply(float number, Activation activation)
    {
        Vector<float> results = RowActivation.Apply(new Vector<float>(number), activation);
        for (int i = 1; i < Vector<float>.Count; i++)
        {
            Assert.Equal(BitConverter.SingleToInt32Bits(results[0]), BitConverter.SingleToInt32Bits(results[i]));
        }

        return results[0];
    }

    private static unsafe float[] Run(NormKind kind, float epsilon, float[] row, float[] weight, float[] bias, int skipped = 0)
    {
        using NativeBuffer<float> from = new([.. new float[skipped], .. row]);
        using NativeBuffer<float> to = new(skipped + row.Length);
        using NativeBuffer<float> weights = new(weight);
        using NativeBuffer<float> biases = new(bias);
        RowNorm norm = new() { Kind = kind, Epsilon = epsilon, Weight = weights.Start, Bias = kind == NormKind.Layer ? biases.Start : null };
        norm.Apply(from.Start + skipped, row.Length, to.Start + skipped);
        to.Check();
        Assert.Equal(row, from.Span[skipped..].ToArray());
        return to.Span[skipped..].ToArray();
    }
}
