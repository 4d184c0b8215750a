using System.IO.Hashing;
using System.Runtime.InteropServices;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Kernels;
using SpecDecode.Weights;

namespace SpecDecode.Tests.Kernels;

/// <summary>
/// What the kernels promise, in little: for the instruction set that this process has. <see cref="InstructionSetProcessTests"/> runs it in processes in which
/// .NET may use less of the processor.
/// </summary>
public sealed class KernelChecks
{
    [Fact]
    public void The_kernels_of_this_process_are_those_of_the_formula_and_rows_do_not_depend_on_each_other()
    {
        string hash = Run();
        if (Environment.GetEnvironmentVariable(KernelChild.ReportVariable) is { } report)
        {
            File.WriteAllLines(report, [InstructionSets.Current.Name(), hash]);
        }
    }

    [Theory]
    [InlineData(Precision.Bf16)]
    [InlineData(Precision.Fp16)]
    public void Sixteen_bits_by_name_go_with_the_kernels_that_this_process_has_by_default_or_are_refused(Precision precision)
    {
        // A processor without kernels of its own has ONNX Runtime's, which do not take them.
        TensorEntry[] tensors = [new("w", "BF16", [4, 4], "", 0, 0)];
        ModelOptions options = new() { Precision = precision };
        if (InstructionSets.IsKnown)
        {
            Assert.Equal(new WeightSettings(precision, precision, 32), WeightSettings.Of(options, tensors));
        }
        else
        {
            Assert.Equal("Model:Precision", Assert.Throws<OptionException>(() => WeightSettings.Of(options, tensors)).Option);
            Assert.Equal(new WeightSettings(Precision.Fp32, Precision.Fp32, 32, TensorLayout.Rows), WeightSettings.Of(new ModelOptions(), tensors));
        }

        options.Kernels = KernelChoice.Own;
        Assert.Equal(precision, WeightSettings.Of(options, tensors).Precision);
    }

    /// <summary>Checks every kind of product.</summary>
    /// <returns>A hash of all results.</returns>
    public static string Run()
    {
        XxHash128 hash = new();
        for (int kind = 0; kind < ProductCases.Kinds.Length; kind++)
        {
            (TensorFormat format, ActivationPrecision activations) = ProductCases.Kinds[kind];
            ProductCase plain = new() { Format = format, Activations = activations, Inputs = 97, Outputs = 45, Rows = 10 };
            Check(plain, kind, hash);
            Check(
                plain with
                {
                    Inputs = 130, Outputs = 64, Rows = 17, HasBias = true, Norm = (NormKind)(kind % 3), Activation = (kind % 2) == 0 ? Activation.Silu : Activation.GeluTanh,
                    IsGated = true, Residual = ResidualPlace.Output,
                },
                kind, hash);
            Check(plain with { Inputs = 1, Outputs = 1, Rows = 3, Activation = Activation.Relu }, kind, hash);
        }

        return Convert.ToHexString(hash.GetCurrentHash());
    }

    private static void Check(ProductCase products, int seed, XxHash128 hash)
    {
        using ProductSetup setup = new(products, InstructionSets.Current, seed);
        float[] results = setup.Run(TestThreads.Own(2));
        hash.Append(MemoryMarshal.AsBytes<float>(results));
        ReferenceProduct reference = new(products, setup);
        for (int row = 0; row < products.Rows; row++)
        {
            Span<float> found = results.AsSpan(row * products.Outputs, products.Outputs);
            ProductTests.AssertAllowed(reference.Row(row), found, $"{products}, row {row}");
            Bits.AssertSame(setup.Run([row], ParallelRun.Serial), found, $"{products}, row {row} alone");
        }

        if (products is { Norm: null, Activation: null })
        {
            InstructionSetTests.AssertIsPlain(products, setup, results, InstructionSets.Current.Name());
        }

        // The same output behind another one.
        if (!products.IsGated)
        {
            ProductCase moved = products with { Outputs = products.Outputs + 33, HasBias = false, Residual = ResidualPlace.None, Norm = null, Activation = null };
            ProductCase still = moved with { Outputs = products.Outputs };
            using ProductSetup first = new(still, InstructionSets.Current, new KernelMatrix(still.Format, still.Inputs, setup.Matrix.Rows), new Random(1));
            using ProductSetup behind = new(moved, InstructionSets.Current, setup.Matrix.Behind(33, new Random(1)), new Random(1));
            float[] expected = first.Run(ParallelRun.Serial);
            float[] shifted = behind.Run(ParallelRun.Serial);
            for (int row = 0; row < products.Rows; row++)
            {
                Bits.AssertSame(expected.AsSpan(row * still.Outputs, still.Outputs), shifted.AsSpan(row * moved.Outputs + 33, still.Outputs), $"{products}, elsewhere");
            }
        }
    }
}
