using SpecDecode.Descriptions;
using SpecDecode.Kernels;

namespace SpecDecode.Tests.Kernels;

/// <summary>A row in which a number is none, or has overflowed, gives results that tell of it, and no other row notices.</summary>
public sealed class PoisonedRowTests
{
    private const int Rows = 21;

    public static MatrixTheoryData<float, string> Cases => new(
        [float.NaN, float.PositiveInfinity, float.NegativeInfinity], ["", nameof(NormKind.Rms), nameof(NormKind.RmsAroundOne), nameof(NormKind.Layer)]);

    [Theory]
    [MemberData(nameof(Cases))]
    public void It_reaches_all_results_of_its_row_and_none_of_others(float number, string norm)
    {
        foreach ((TensorFormat format, ActivationPrecision activations) in ProductCases.Kinds)
        {
            ProductCase products = new() { Format = format, Activations = activations, Inputs = 83, Outputs = 45, Rows = Rows, Norm = norm.Length == 0 ? null : Enum.Parse<NormKind>(norm) };
            using ProductSetup setup = new(products, InstructionSets.Current, seed: 5);
            float[] whole = setup.Run(ParallelRun.Serial);
            foreach ((int poisoned, int place) in ((int, int)[])[(0, 82), (9, 0), (Rows - 1, 40)])
            {
                setup.Rows[poisoned * products.Inputs + place] = number;
                float[] found = setup.Run(TestThreads.Pool(2));
                for (int row = 0; row < Rows; row++)
                {
                    ReadOnlySpan<float> results = found.AsSpan(row * products.Outputs, products.Outputs);
                    if (row == poisoned)
                    {
                        foreach (float result in results)
                        {
                            Assert.False(float.IsFinite(result), $"{format}, {activations}: {result} of a row with {number}");
                        }
                    }
                    else
                    {
                        Bits.AssertSame(whole.AsSpan(row * products.Outputs, products.Outputs), results, $"{format}, row {row} beside {poisoned}");
                    }
                }

                setup.Rows[poisoned * products.Inputs + place] = 0.5f;
                setup.Run([poisoned], ParallelRun.Serial).CopyTo(whole, poisoned * products.Outputs);
            }
        }
    }

    [Fact]
    public void A_row_that_is_too_large_to_be_squared_is_still_alone_with_it()
    {
        foreach ((TensorFormat format, ActivationPrecision activations) in ProductCases.Kinds)
        {
            ProductCase products = new() { Format = format, Activations = activations, Inputs = 64, Outputs = 33, Rows = 9, Norm = NormKind.Rms };
            using ProductSetup setup = new(products, InstructionSets.Current, seed: 6);
            float[] whole = setup.Run(ParallelRun.Serial);
            setup.Rows.AsSpan(4 * 64, 64).Fill(3e38f);
            float[] found = setup.Run(TestThreads.Pool(2));
            Bits.AssertSame(whole.AsSpan(0, 4 * 33), found.AsSpan(0, 4 * 33), $"{format}");
            Bits.AssertSame(whole.AsSpan(5 * 33), found.AsSpan(5 * 33), $"{format}");
        }
    }
}
