using SpecDecode.Kernels;

namespace SpecDecode.Tests.Kernels;

/// <summary>Weights in 16 bits are multiplied as the same numbers in 32 bits are, bit for bit.</summary>
public sealed class WeightExactnessTests
{
    public static MatrixTheoryData<Precision, string> Cases => new([Precision.Bf16, Precision.Fp16], ProcessorSets.Names);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Numbers_of_16_bits_multiply_as_they_do_in_32(Precision precision, string set)
    {
        foreach ((int inputs, int outputs, int rows) in ((int, int, int)[])[(1, 33, 1), (31, 64, 8), (100, 65, 9), (576, 32, 17)])
        {
            ProductCase products = new() { Format = ProductCase.Panels(precision), Inputs = inputs, Outputs = outputs, Rows = rows, HasBias = true, Residual = ResidualPlace.Apart };
            using KernelMatrix matrix = KernelMatrix.Random(products.Format, inputs, outputs, new Random(inputs));
            AssertSame(products, Enum.Parse<InstructionSet>(set), matrix.Rows);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void So_do_all_numbers_that_16_bits_have(Precision precision, string set)
    {
        // Every pattern of bits that is finite, zeros of both signs and subnormal ones among them, as an output of a matrix whose other input is 1.
        float[] all = [.. Enumerable.Range(0, 1 << 16).Select(bits => precision == Precision.Bf16
            ? BitConverter.Int32BitsToSingle(bits << 16) : (float)BitConverter.UInt16BitsToHalf((ushort)bits)).Where(float.IsFinite)];
        ProductCase products = new() { Format = ProductCase.Panels(precision), Inputs = 2, Outputs = all.Length, Rows = 2 };
        AssertSame(products, Enum.Parse<InstructionSet>(set), [.. all.Select((number, i) => MatrixRow.Of(i % 2 == 0 ? [number, 0] : [0, number]))], row: [1, 1]);
    }

    // A row of ones gives each number back.
    private static void AssertSame(ProductCase products, InstructionSet set, MatrixRow[] rows, float[]? row = null)
    {
        ProductCase wide = products with { Format = ProductCase.Panels(Precision.Fp32) };
        using ProductSetup narrowSetup = new(products, set, new KernelMatrix(products.Format, products.Inputs, rows), new Random(2));
        using ProductSetup wideSetup = new(wide, set, new KernelMatrix(wide.Format, wide.Inputs, rows), new Random(2));
        row?.CopyTo(narrowSetup.Rows, 0);
        row?.CopyTo(wideSetup.Rows, 0);
        float[] found = narrowSetup.Run(ParallelRun.Serial);
        Bits.AssertSame(wideSetup.Run(ParallelRun.Serial), found, $"{products}, {set.Name()}");
        if (row is not null)
        {
            for (int i = 0; i < rows.Length; i++)
            {
                // Zeros of both signs become a positive one, as sums do.
                Assert.Equal(rows[i].Floats[i % 2] + 0f, found[i]);
            }
        }
    }
}
