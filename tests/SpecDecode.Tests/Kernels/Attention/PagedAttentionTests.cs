using SpecDecode.Kernels;
using SpecDecode.Kernels.Attention;

namespace SpecDecode.Tests.Kernels.Attention;

/// <summary>Attention over pages against attention written down in doubles, and against itself: a row comes out the same however it is run.</summary>
public sealed class PagedAttentionTests
{
    public static TheoryData<string> Sets => [.. ProcessorSets.Names];

    private static readonly int[] Lengths = [1, 37, 150, 300];

    [Theory]
    [MemberData(nameof(Sets))]
    public void It_is_the_attention_of_the_books(string set)
    {
        foreach (AttentionCase attention in AttentionCase.All)
        {
            // What is rounded when it is stored: nothing, 11 bits, 7 bits of the largest of a head.
            foreach ((KvPrecision type, double bound) in ((KvPrecision, double)[])[(KvPrecision.Fp32, 2e-6), (KvPrecision.Fp16, 1e-3), (KvPrecision.Int8, 1.5e-2)])
            {
                AttentionCase stored = attention with { Type = type };
                using AttentionSetup setup = new(stored, Lengths, seed: 1);
                setup.Call(Enum.Parse<InstructionSet>(set), ParallelRun.Serial, [.. Lengths.Select((length, i) => (i, 0, length))]);
                foreach ((int sequence, int row) in ((int, int)[])[(0, 0), (1, 0), (1, 36), (2, 15), (2, 16), (2, 127), (2, 128), (2, 149), (3, 255), (3, 299)])
                {
                    double[] expected = ReferenceAttention.Row(stored, setup, sequence, row);
                    for (int i = 0; i < expected.Length; i++)
                    {
                        float found = setup.Results[sequence][row * stored.OutputWidth + i];
                        Assert.True(Math.Abs(expected[i] - found) <= bound, $"{stored}, sequence {sequence}, row {row}, number {i}: {found} in place of {expected[i]}");
                    }
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Sets))]
    public void A_row_does_not_depend_on_pieces_neighbours_threads_or_the_processor(string set)
    {
        Random random = new(2);
        foreach (AttentionCase attention in AttentionCase.All)
        {
            foreach (KvPrecision type in Enum.GetValues<KvPrecision>())
            {
                AttentionCase stored = attention with { Type = type };
                int seed = random.Next();
                using AttentionSetup alone = new(stored, Lengths, seed);
                for (int sequence = 0; sequence < Lengths.Length; sequence++)
                {
                    for (int row = 0; row < Lengths[sequence]; row++)
                    {
                        alone.Call(InstructionSets.Current, ParallelRun.Serial, (sequence, row, row + 1));
                    }
                }

                using AttentionSetup together = new(stored, Lengths, seed);
                int[] read = new int[Lengths.Length];
                while (read.Zip(Lengths).Any(pair => pair.First < pair.Second))
                {
                    List<(int, int, int)> spans = [];
                    foreach (int sequence in Enumerable.Range(0, Lengths.Length).OrderBy(_ => random.Next()))
                    {
                        int rows = Math.Min(Lengths[sequence] - read[sequence], random.Next(4) switch { 0 => 0, 1 => 1, 2 => random.Next(1, 9), _ => random.Next(1, 200) });
                        if (rows > 0)
                        {
                            spans.Add((sequence, read[sequence], read[sequence] += rows));
                        }
                    }

                    if (spans.Count > 0)
                    {
                        together.Call(Enum.Parse<InstructionSet>(set), random.Next(2) == 0 ? ParallelRun.Serial : TestThreads.Own(3), [.. spans]);
                    }
                }

                for (int sequence = 0; sequence < Lengths.Length; sequence++)
                {
                    Bits.AssertSame(alone.Results[sequence], together.Results[sequence], $"{stored}, sequence {sequence}");
                }
            }
        }
    }

    [Fact]
    public void A_draft_that_is_thrown_away_leaves_nothing_behind()
    {
        foreach (AttentionCase attention in AttentionCase.All)
        {
            using AttentionSetup expected = new(attention, [200], seed: 3);
            expected.Call(InstructionSets.Current, ParallelRun.Serial, (0, 0, 200));
            using AttentionSetup drafted = new(attention, [200], seed: 3);
            float[] right = [.. drafted.Rows[0]];
            for (int committed = 0; committed < 200; committed += 5)
            {
                // Rows of which only five are right, and what comes behind them is no number.
                int end = Math.Min(committed + 20, 200);
                drafted.Rows[0].AsSpan(Math.Min(committed + 5, 200) * attention.PackedWidth).Fill(float.NaN);
                drafted.Call(InstructionSets.Current, TestThreads.Own(2), (0, committed, end));
                right.CopyTo(drafted.Rows[0], 0);
                Bits.AssertSame(
                    expected.Results[0].AsSpan(committed * attention.OutputWidth, 5 * attention.OutputWidth),
                    drafted.Results[0].AsSpan(committed * attention.OutputWidth, 5 * attention.OutputWidth), $"{attention}, rows from {committed}");
            }
        }
    }

    [Fact]
    public void What_is_no_number_shows_in_the_rows_that_see_it_and_in_no_others()
    {
        foreach (KvPrecision type in (KvPrecision[])[KvPrecision.Fp32, KvPrecision.Int8])
        {
            AttentionCase attention = new(4, 2, 64) { Window = 50, Type = type };
            foreach (float poison in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
            {
                for (int head = 0; head < 4; head++)
                {
                    // In keys and in values of one head.
                    using AttentionSetup setup = new(attention, [180], seed: 4);
                    setup.Rows[0][100 * attention.PackedWidth + (4 + head) * 64 + 9] = poison;
                    setup.Call(InstructionSets.Current, ParallelRun.Serial, (0, 0, 180));
                    for (int row = 0; row < 180; row++)
                    {
                        bool isPoisoned = !setup.Results[0].AsSpan(row * attention.OutputWidth, attention.OutputWidth).ToArray().All(float.IsFinite);
                        bool sees = row is >= 100 and < 150;

                        // A score of −∞, which an infinite key may give, weighs nothing.
                        Assert.True(isPoisoned == sees || (sees && head < 2 && float.IsInfinity(poison)), $"{type}, {poison} in head {head}, row {row}");
                    }
                }
            }
        }
    }

    [Fact]
    public void A_key_that_float16_cannot_hold_is_an_error_that_says_so()
    {
        AttentionCase attention = new(2, 1, 32) { Type = KvPrecision.Fp16, Rotates = false };
        using AttentionSetup setup = new(attention, [20], seed: 5);
        setup.Rows[0][7 * attention.PackedWidth + 64] = 65_519f;
        setup.Call(InstructionSets.Current, ParallelRun.Serial, (0, 0, 20));
        setup.Rows[0][7 * attention.PackedWidth + 64] = 65_520f;
        SpecDecodeException error = Assert.Throws<SpecDecodeException>(() => setup.Call(InstructionSets.Current, ParallelRun.Serial, (0, 0, 20)));
        Assert.Contains("float16", error.Message);

        // And it can be used again.
        setup.Rows[0][7 * attention.PackedWidth + 64] = 1f;
        setup.Call(InstructionSets.Current, ParallelRun.Serial, (0, 0, 20));
    }

    [Fact]
    public void Numbers_are_rounded_to_float16_as_everywhere()
    {
        PageLayout layout = new(KvPrecision.Fp16, 1, 16);
        Random random = new(6);
        byte[] page = new byte[layout.Bytes];
        for (int turn = 0; turn < 20_000; turn++)
        {
            float[] numbers = [.. Enumerable.Range(0, 16).Select(_ => (random.NextSingle() - 0.5f) * MathF.Pow(2, random.Next(-28, 16)))];
            unsafe
            {
                fixed (byte* memory = page)
                fixed (float* from = numbers)
                {
                    Assert.True(KeyValueWriter.Write(layout, memory, 3, from, from, 16));
                    for (int i = 0; i < 16; i++)
                    {
                        Assert.Equal((Half)numbers[i], BitConverter.UInt16BitsToHalf(((ushort*)(memory + layout.ValueOffset))[3 * 16 + i]));
                        Assert.Equal((Half)numbers[i], BitConverter.UInt16BitsToHalf(((ushort*)memory)[i * 16 + 3]));
                    }
                }
            }
        }
    }
}
