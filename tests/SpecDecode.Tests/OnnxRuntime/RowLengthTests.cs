using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using SpecDecode.Caching;
using SpecDecode.Models;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>
/// A row must not depend on how many rows of its own sequence run with it: a prompt that is read whole, in pieces or beside others
/// is then the same text. Kernels take rows in blocks, so every length counts, and those just behind a block most.
/// </summary>
public sealed class RowLengthTests : IDisposable
{
    private const int Length = 260;

    private static readonly int[] BehindBlocks = [31, 32, 33, 34, 63, 64, 65, 66, 96, 97, 128, 129, 130, 161, 193, 225, 256, 257, 258, Length];

    private readonly TemporaryFolder _cache = new();

    /// <summary>Those of which every length is tried.</summary>
    public static MatrixTheoryData<string, Precision> EveryLength => new(["llama_base", "gemma2"], Enum.GetValues<Precision>());

    /// <summary>Heads of 16 and of 32 channels, with and without windows, bounds and parallel layers.</summary>
    public static MatrixTheoryData<string, Precision> Cases => new(
        ["llama_base", "llama_hd24_mqa", "mistral", "gemma2", "gpt_neox", "smollm3"], Enum.GetValues<Precision>());

    public void Dispose() => _cache.Dispose();

    [Theory]
    [MemberData(nameof(EveryLength))]
    public void A_row_has_the_same_logits_bit_for_bit_in_a_pass_of_every_length(string fixture, Precision precision)
    {
        using LoadedModel model = Load(Path.Combine(TestFolders.Fixtures, fixture), precision);
        IStages stages = model.Stages;
        float[] expected = InPieces(stages, 1);
        for (int rows = 1; rows <= Length; rows++)
        {
            AssertSame(expected.AsSpan(0, rows * stages.VocabularySize), Whole(stages, rows), rows, stages.VocabularySize);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_row_has_the_same_logits_bit_for_bit_in_pieces_of_any_size(string fixture, Precision precision)
    {
        using LoadedModel model = Load(Path.Combine(TestFolders.Fixtures, fixture), precision);
        float[] expected = InPieces(model.Stages, 1);
        foreach (int piece in (int[])[2, 3, 5, 16, 17, .. BehindBlocks])
        {
            AssertSame(expected, InPieces(model.Stages, piece), piece, model.Stages.VocabularySize);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_row_has_the_same_logits_bit_for_bit_beside_other_sequences_whatever_their_lengths(string fixture, Precision precision)
    {
        using LoadedModel model = Load(Path.Combine(TestFolders.Fixtures, fixture), precision);
        IStages stages = model.Stages;
        float[] expected = InPieces(stages, 1);
        foreach (int before in (int[])[1, 2, 33])
        {
            foreach (int rows in (int[])[1, 2, 33, 65, 97, 129])
            {
                foreach (int after in (int[])[1, 2, 65])
                {
                    AssertSame(
                        expected.AsSpan(0, rows * stages.VocabularySize), Beside(stages, before, rows, after), rows, stages.VocabularySize);
                }
            }
        }
    }

    [Theory]
    [InlineData(Precision.Fp32)]
    [InlineData(Precision.Int8)]
    [InlineData(Precision.Int4)]
    public void Prompts_of_the_story_model_are_the_same_whole_and_in_pieces(Precision precision)
    {
        using LoadedModel model = Load(TestFolders.StoryModel, precision);
        IStages stages = model.Stages;
        float[] expected = InPieces(stages, 2);
        foreach (int rows in BehindBlocks)
        {
            AssertSame(expected.AsSpan(0, rows * stages.VocabularySize), Whole(stages, rows), rows, stages.VocabularySize);
        }
    }

    private static int[] Tokens(IStages stages, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, Length).Select(_ => random.Next(stages.VocabularySize))];
    }

    private static float[] Whole(IStages stages, int rows)
    {
        using KvCache cache = new(stages.Pages, rows);
        cache.Hold(rows);
        RowBatch batch = new(stages.MaxRows);
        batch.Add(cache, 0, Tokens(stages, 5).AsSpan(0, rows));
        Run(stages, batch);
        return Logits(stages, 0, rows);
    }

    private static float[] InPieces(IStages stages, int piece)
    {
        using KvCache cache = new(stages.Pages, Length);
        cache.Hold(Length);
        RowBatch batch = new(stages.MaxRows);
        int[] tokens = Tokens(stages, 5);
        List<float> logits = [];
        for (int position = 0; position < Length; position += piece)
        {
            int rows = Math.Min(piece, Length - position);
            batch.Clear();
            batch.Add(cache, position, tokens.AsSpan(position, rows));
            Run(stages, batch);
            logits.AddRange(Logits(stages, 0, rows));
        }

        return [.. logits];
    }

    // Between the rows of two others.
    private static float[] Beside(IStages stages, int before, int rows, int after)
    {
        using KvCache first = new(stages.Pages, Length);
        first.Hold(Length);
        using KvCache own = new(stages.Pages, rows);
        own.Hold(rows);
        using KvCache last = new(stages.Pages, Length);
        last.Hold(Length);
        RowBatch batch = new(stages.MaxRows);
        batch.Add(first, 0, Tokens(stages, 6).AsSpan(0, before));
        int row = batch.Add(own, 0, Tokens(stages, 5).AsSpan(0, rows));
        batch.Add(last, 0, Tokens(stages, 7).AsSpan(0, after));
        Run(stages, batch);
        return Logits(stages, row, rows);
    }

    private static void Run(IStages stages, RowBatch batch)
    {
        stages.Embed(batch);
        Pass.Run(stages, LayerPlan.Full(stages.LayerCount).Blocks.AsSpan(), batch);
    }

    private static float[] Logits(IStages stages, int first, int rows)
    {
        List<float> logits = [];
        for (int done = 0; done < rows; done += stages.MaxScoredRows)
        {
            int count = Math.Min(stages.MaxScoredRows, rows - done);
            logits.AddRange(stages.Head([.. Enumerable.Range(first + done, count)]));
        }

        return [.. logits];
    }

    // Bits rather than numbers, and the row in the message.
    private static void AssertSame(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, int rows, int width)
    {
        Assert.Equal(expected.Length, actual.Length);
        int same = MemoryMarshal.AsBytes(expected).CommonPrefixLength(MemoryMarshal.AsBytes(actual)) / sizeof(float);
        Assert.True(same == expected.Length, $"Row {same / width} differs where {rows} run together.");
    }

    private LoadedModel Load(string folder, Precision precision)
    {
        LoadedModel model = ModelLoader.Load(
            folder, new ModelOptions { Precision = precision, CacheFolder = _cache.Path }, new RuntimeOptions(), warn: _ => { }, progress: null,
            TestContext.Current.CancellationToken);
        if (!model.Stages.RowsAreAlike && !Avx2.IsSupported)
        {
            model.Dispose();
            Assert.Skip("With this processor's kernels rows depend on their neighbours, and the model says so.");
        }

        return model;
    }
}
