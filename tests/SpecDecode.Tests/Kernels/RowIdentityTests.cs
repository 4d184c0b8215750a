using SpecDecode.Descriptions;
using SpecDecode.Kernels;

namespace SpecDecode.Tests.Kernels;

/// <summary>A row's result is a function of the row alone: not of who is beside it, of how many they are, or of where the matrix is cut into panels and tasks.</summary>
public sealed class RowIdentityTests
{
    private static readonly int[] Counts = [.. Enumerable.Range(1, 33), 100, 512];

    public static TheoryData<int, string> Kinds => ProductTests.Kinds;

    public static MatrixTheoryData<Precision, bool, string> Floats => new(
        [Precision.Fp32, Precision.Bf16, Precision.Fp16], [false, true], ProcessorSets.Names);

    public static MatrixTheoryData<Precision, int, string> Bytes => new([Precision.Int8, Precision.Int4], [32, 128], ProcessorSets.Names);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_row_is_the_same_alone_and_in_any_company_of_any_size(int kind, string name)
    {
        Assert.NotEmpty(name);
        (TensorFormat format, ActivationPrecision activations) = ProductCases.Kinds[kind];
        ProductCase products = new()
        {
            Format = format, Activations = activations, Inputs = 97, Outputs = 70, Rows = 24, HasBias = true, Norm = NormKind.RmsAroundOne, Residual = ResidualPlace.Output,
        };
        using ProductSetup setup = new(products, InstructionSets.Current, seed: 7 + kind);
        float[][] alone = [.. Enumerable.Range(0, products.Rows).Select(row => setup.Run([row], ParallelRun.Serial))];
        Random random = new(kind);
        foreach (int count in Counts)
        {
            int[] rows = [.. Enumerable.Range(0, count).Select(_ => random.Next(products.Rows))];
            float[] together = setup.Run(rows, count % 3 == 0 ? TestThreads.Pool(2) : ParallelRun.Serial);
            for (int i = 0; i < count; i++)
            {
                Bits.AssertSame(alone[rows[i]], together.AsSpan(i * products.Outputs, products.Outputs), $"{format}, row {i} of {count}");
            }
        }
    }

    // Around the rows of a tile, of two and of a block; inputs end within a stretch.
    [Theory]
    [MemberData(nameof(Floats))]
    public void A_row_of_floats_is_the_same_in_any_number_of_tiles_stretches_and_blocks(Precision precision, bool isGated, string set)
    {
        InstructionSet instructions = Enum.Parse<InstructionSet>(set);
        ProductCase products = new() { Format = ProductCase.Panels(precision), Inputs = 1_090, Outputs = 96, Rows = 13, IsGated = isGated, HasBias = true };
        using ProductSetup setup = new(products, InstructionSets.Current, seed: 23);
        float[][] alone = [.. Enumerable.Range(0, products.Rows).Select(row => setup.Run([row], ParallelRun.Serial))];
        foreach (int count in (int[])[2, 3, 4, 5, 6, 7, 11, 12, 13, 18, 24, 25, 120, 121, 239, 240, 241, 481])
        {
            float[] together = setup.Run([.. Enumerable.Range(0, count).Select(row => row % products.Rows)], TestThreads.Pool(2), instructions);
            for (int row = 0; row < count; row++)
            {
                Bits.AssertSame(
                    alone[row % products.Rows], together.AsSpan(row * products.Outputs, products.Outputs), $"{precision}, {set}, row {row} of {count}");
            }
        }
    }

    // Rows so wide that 27 or 30 of them are a block: around the rows of a tile, of two and of a block.
    [Theory]
    [MemberData(nameof(Bytes))]
    public void A_row_of_bytes_is_the_same_in_any_number_of_tiles_and_blocks(Precision precision, int blockSize, string set)
    {
        InstructionSet instructions = Enum.Parse<InstructionSet>(set);
        ProductCase products = new() { Format = ProductCase.Panels(precision, blockSize), Activations = ActivationPrecision.Int8, Inputs = 8_200, Outputs = 40, Rows = 13, Norm = NormKind.Rms };
        using ProductSetup setup = new(products, InstructionSets.Current, seed: 29);
        float[][] alone = [.. Enumerable.Range(0, products.Rows).Select(row => setup.Run([row], ParallelRun.Serial))];
        foreach (int count in (int[])[2, 5, 6, 7, 8, 9, 10, 12, 13, 18, 19, 27, 28, 30, 31, 54, 55, 73, 100])
        {
            float[] together = setup.Run([.. Enumerable.Range(0, count).Select(row => row % products.Rows)], TestThreads.Pool(2), instructions);
            for (int row = 0; row < count; row++)
            {
                Bits.AssertSame(
                    alone[row % products.Rows], together.AsSpan(row * products.Outputs, products.Outputs), $"{precision}, {set}, row {row} of {count}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void An_output_is_the_same_wherever_it_lies_in_a_matrix(int kind, string name)
    {
        Assert.NotEmpty(name);
        (TensorFormat format, ActivationPrecision activations) = ProductCases.Kinds[kind];
        const int Outputs = 75;
        ProductCase products = new() { Format = format, Activations = activations, Inputs = 201, Outputs = Outputs, Rows = 7 };
        Random random = new(kind);
        KernelMatrix matrix = KernelMatrix.Random(format, products.Inputs, Outputs, random);
        using ProductSetup setup = new(products, InstructionSets.Current, matrix, new Random(1));
        float[] expected = setup.Run(ParallelRun.Serial);

        // Some so many that the matrix becomes several tasks, of which the first ends within it.
        foreach (int others in (int[])[1, 5, 16, 31, 32, 33, 64, 700 + kind])
        {
            ProductCase moved = products with { Outputs = Outputs + others };
            using ProductSetup behind = new(moved, InstructionSets.Current, matrix.Behind(others, random), new Random(1));
            Assert.Equal(setup.Rows, behind.Rows);
            float[] found = behind.Run(TestThreads.Own(2));
            for (int row = 0; row < products.Rows; row++)
            {
                Bits.AssertSame(
                    expected.AsSpan(row * Outputs, Outputs), found.AsSpan(row * moved.Outputs + others, Outputs), $"{format}, behind {others} others, row {row}");
            }
        }
    }

    [Theory]
    [InlineData(Precision.Bf16, 0)]
    [InlineData(Precision.Int8, 32)]
    [InlineData(Precision.Int4, 64)]
    public void A_gated_product_is_that_of_its_halves(Precision precision, int blockSize)
    {
        ProductCase products = new()
        {
            Format = ProductCase.Panels(precision, blockSize), Inputs = 130, Outputs = 96, Rows = 11, Norm = NormKind.Layer, HasBias = true,
            Activation = Activation.Silu, IsGated = true,
        };
        using ProductSetup gated = new(products, InstructionSets.Current, seed: 3);
        using ProductSetup plain = new(products with { IsGated = false, Activation = null, Outputs = 192 }, InstructionSets.Current, seed: 3);
        float[] whole = gated.Run(TestThreads.Pool(2));
        float[] halves = plain.Run(ParallelRun.Serial);
        for (int row = 0; row < products.Rows; row++)
        {
            for (int i = 0; i < 96; i++)
            {
                Bounded gate = ReferenceParts.Activate(halves[row * 192 + i], Activation.Silu);
                Assert.True((gate * halves[row * 192 + 96 + i]).Allows(whole[row * 96 + i]), $"row {row}, output {i}");
            }
        }
    }

    [Theory]
    [InlineData(nameof(NormKind.Rms))]
    [InlineData(nameof(NormKind.RmsAroundOne))]
    [InlineData(nameof(NormKind.Layer))]
    public void A_norm_within_a_product_is_the_norm_before_it_bit_for_bit(string name)
    {
        NormKind kind = Enum.Parse<NormKind>(name);
        foreach ((TensorFormat format, ActivationPrecision activations) in ProductCases.Kinds)
        {
            ProductCase products = new() { Format = format, Activations = activations, Inputs = 101, Outputs = 40, Rows = 10, Norm = kind };
            using ProductSetup within = new(products, InstructionSets.Current, seed: 8);
            using ProductSetup after = new(products with { Norm = null }, InstructionSets.Current, seed: 8);
            for (int row = 0; row < products.Rows; row++)
            {
                Normalise(within.Norm, within.Row(row)).CopyTo(after.Rows.AsSpan(row * products.Inputs));
            }

            Bits.AssertSame(after.Run(ParallelRun.Serial), within.Run(TestThreads.Pool(2)), $"{format}, {activations}");
        }
    }

    private static unsafe float[] Normalise(RowNorm norm, ReadOnlySpan<float> row)
    {
        using NativeBuffer<float> from = new(row);
        norm.Apply(from.Start, row.Length, from.Start);
        from.Check();
        return from.Span.ToArray();
    }
}
