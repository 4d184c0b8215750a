using SpecDecode.Descriptions;
using SpecDecode.Kernels;

namespace SpecDecode.Tests.Kernels;

/// <summary>Products of every kind against the formula, and against themselves on threads, in other company and on other instruction sets.</summary>
public sealed class ProductTests
{
    // Multiplications that the plain code does for a case, and how many another row counts for at least.
    private const long ReferenceWork = 1_000_000;

    public static TheoryData<int, string> Kinds
    {
        get
        {
            TheoryData<int, string> kinds = [];
            for (int i = 0; i < ProductCases.Kinds.Length; i++)
            {
                (TensorFormat format, ActivationPrecision activations) = ProductCases.Kinds[i];
                kinds.Add(i, format.IsQuantized ? $"{format.Precision}, blocks of {format.BlockSize}, rows in {activations}" : $"{format.Precision}");
            }

            return kinds;
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Results_are_those_of_the_formula_and_the_same_bit_for_bit_on_any_threads_alone_and_on_every_instruction_set(int kind, string name)
    {
        Assert.NotEmpty(name);
        int seed = 1000 * kind;
        foreach (ProductCase products in ProductCases.All[kind])
        {
            string what = $"{products}, seed {seed}";
            using ProductSetup setup = new(products, InstructionSets.Current, seed);
            float[] results = setup.Run(ParallelRun.Serial);
            Bits.AssertSame(results, setup.Run(seed % 4 == 0 ? TestThreads.Own(3) : TestThreads.Pool(2)), $"{what}, on threads");
            InstructionSet set = ProcessorSets.All[seed / 3 % ProcessorSets.All.Length];
            Bits.AssertSame(results, setup.Run(TestThreads.Pool(2), set), $"{what}, {set.Name()} against {InstructionSets.Current.Name()}");

            Random random = new(seed);
            ReferenceProduct reference = new(products, setup);
            for (long work = 0; work <= ReferenceWork; work += ReferenceProduct.RowWork(products) + 100_000)
            {
                int row = work == 0 ? products.Rows - 1 : random.Next(products.Rows);
                ReadOnlySpan<float> found = results.AsSpan(row * products.Outputs, products.Outputs);
                AssertAllowed(reference.Row(row), found, $"{what}, row {row}");
                Bits.AssertSame(found, setup.Run([row], ParallelRun.Serial), $"{what}, row {row} alone");
            }

            seed += 3;
        }
    }

    [Fact]
    public void A_vocabulary_of_outputs_is_multiplied_as_one_of_a_few()
    {
        const int Outputs = 151_936;
        foreach ((TensorFormat format, ActivationPrecision activations) in ((TensorFormat, ActivationPrecision)[])
            [(ProductCase.Panels(Precision.Bf16), default), (ProductCase.Panels(Precision.Int8, 32), ActivationPrecision.Int8), (ProductCase.Panels(Precision.Int4, 16), ActivationPrecision.Int8)])
        {
            ProductCase products = new() { Format = format, Activations = activations, Inputs = 19, Outputs = Outputs, Rows = 9, Norm = NormKind.Rms };
            using ProductSetup setup = new(products, InstructionSets.Current, seed: 4);
            float[] results = setup.Run(TestThreads.Own(2));
            Bits.AssertSame(results, setup.Run(ParallelRun.Serial), $"{format}");
            foreach (int row in (int[])[0, 8])
            {
                AssertAllowed(new ReferenceProduct(products, setup).Row(row), results.AsSpan(row * Outputs, Outputs), $"{format}");
            }
        }
    }

    [Fact]
    public void No_rows_are_no_work()
    {
        ProductCase products = new() { Norm = NormKind.Rms };
        using ProductSetup setup = new(products, InstructionSets.Current, seed: 1);
        Assert.Empty(setup.Run([], TestThreads.Pool(2)));
    }

    internal static void AssertAllowed(ReadOnlySpan<Bounded> expected, ReadOnlySpan<float> actual, string what)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            if (!expected[i].Allows(actual[i]))
            {
                Assert.Fail(FormattableString.Invariant($"{what}: output {i} is {actual[i]:g9}, expected {expected[i].Value:g12} ± {expected[i].Error:g3}"));
            }
        }
    }
}
