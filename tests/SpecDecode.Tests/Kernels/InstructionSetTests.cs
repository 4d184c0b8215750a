using SpecDecode.Descriptions;
using SpecDecode.Kernels;

namespace SpecDecode.Tests.Kernels;

/// <summary>Every instruction set that this processor has against plain code, bit for bit: sums of floats and of blocks have one order, and it is kept.</summary>
public sealed class InstructionSetTests
{
    public static TheoryData<string> Sets => [.. ProcessorSets.Names];

    [Theory]
    [MemberData(nameof(Sets))]
    public void Floats_and_blocks_of_bytes_are_summed_in_one_order_on_every_set(string name)
    {
        InstructionSet set = Enum.Parse<InstructionSet>(name);
        foreach ((TensorFormat format, ActivationPrecision activations) in ProductCases.Kinds)
        {
            foreach ((int inputs, int outputs, int rows) in ((int, int, int)[])[(1, 1, 1), (33, 40, 9), (200, 70, 13)])
            {
                ProductCase products = new() { Format = format, Activations = activations, Inputs = inputs, Outputs = outputs, Rows = rows };
                using ProductSetup setup = new(products, set, seed: inputs);
                float[] found = setup.Run(ParallelRun.Serial);
                Bits.AssertSame(setup.Run(ParallelRun.Serial, InstructionSet.Portable), found, $"{products}, {set.Name()} against {InstructionSet.Portable.Name()}");
                AssertIsPlain(products, setup, found, set.Name());
            }
        }
    }

    [Theory]
    [MemberData(nameof(Sets))]
    public void Blocks_at_the_ends_of_their_range_do_not_overflow(string name)
    {
        InstructionSet set = Enum.Parse<InstructionSet>(name);
        foreach (int blockSize in (int[])[16, 32, 64, 128, 256])
        {
            foreach (Precision precision in (Precision[])[Precision.Int8, Precision.Int4])
            {
                TensorFormat format = ProductCase.Panels(precision, blockSize);
                ProductCase products = new() { Format = format, Activations = ActivationPrecision.Int8, Inputs = blockSize * 2, Outputs = 36, Rows = 4 };
                MatrixRow[] extremes = precision == Precision.Int8
                    ? [.. ((int[])[1, 2, 127, 128, 129, 255]).Select(value => MatrixRow.Filled(format, products.Inputs, value, 128))]
                    : [.. (((int, int)[])[(0, 15), (15, 0), (15, 15), (0, 0), (7, 8), (15, 8)]).Select(pair => MatrixRow.Filled(format, products.Inputs, pair.Item1, pair.Item2))];
                KernelMatrix matrix = new(format, products.Inputs, [.. Enumerable.Range(0, products.Outputs).Select(i => extremes[i % extremes.Length])]);
                using ProductSetup setup = new(products, set, matrix, new Random(1));

                // All bytes at ±127.
                for (int i = 0; i < setup.Rows.Length; i++)
                {
                    setup.Rows[i] = (i / products.Inputs) switch { 0 => 1, 1 => -1, 2 => i % 2 == 0 ? 1 : -1, _ => i % 4 < 2 ? -1 : 1 };
                }

                AssertIsPlain(products, setup, setup.Run(ParallelRun.Serial), set.Name());
            }
        }
    }

    [Fact]
    public void The_set_of_this_process_is_one_that_it_has_and_is_called_by_a_name_of_its_own()
    {
        Assert.Contains(InstructionSets.Current, ProcessorSets.All);
        InstructionSet[] x64 = [InstructionSet.Portable, InstructionSet.Avx2, InstructionSet.Avx2Vnni, InstructionSet.Avx512, InstructionSet.Avx512AvxVnni, InstructionSet.Avx512Vnni];
        Assert.Equal(ProcessorSets.All.Where(x64.Contains).Max(), InstructionSets.Current == InstructionSet.Arm64DotProduct ? InstructionSet.Portable : InstructionSets.Current);
        Assert.Equal(Enum.GetValues<InstructionSet>().Length, Enum.GetValues<InstructionSet>().Select(set => set.Name()).Distinct().Count());
        Assert.Equal(InstructionSets.Current != InstructionSet.Portable, InstructionSets.IsKnown);
    }

    internal static void AssertIsPlain(ProductCase products, ProductSetup setup, ReadOnlySpan<float> found, string what)
    {
        if (products.Format.IsQuantized && !products.TakesBytes)
        {
            // The order within a block is the kernel's own.
            ReferenceProduct reference = new(products, setup);
            for (int row = 0; row < products.Rows; row++)
            {
                ProductTests.AssertAllowed(reference.Row(row), found.Slice(row * products.Outputs, products.Outputs), $"{products}, {what}");
            }

            return;
        }

        float[] expected = new float[products.Outputs];
        for (int row = 0; row < products.Rows; row++)
        {
            QuantisedRow? bytes = products.TakesBytes ? new QuantisedRow(setup.Row(row), products.Format.BlockSize) : null;
            for (int i = 0; i < expected.Length; i++)
            {
                MatrixRow weights = setup.Matrix.Rows[i];
                expected[i] = bytes is null ? ReferenceSums.FloatChain(weights, setup.Row(row)) : ReferenceSums.ByteChain(weights, products.Format.BlockSize, bytes);
            }

            Bits.AssertSame(expected, found.Slice(row * products.Outputs, products.Outputs), $"{products}, {what}, row {row}");
        }
    }
}
