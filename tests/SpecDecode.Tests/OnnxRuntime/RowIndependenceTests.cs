using System.Runtime.Intrinsics.X86;
using SpecDecode.Caching;
using SpecDecode.Models;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Plans;
using SpecDecode.Scheduling;
using SpecDecode.Tests.Models.Checkpoints;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>
/// What a row comes out as must not depend on the rows that run beside it; then speculation is plain decoding bit for bit.
/// The kernels of the processor decide that: docs/precisions.md says which were tried, and elsewhere these tests are skipped.
/// </summary>
public sealed class RowIndependenceTests : IDisposable
{
    private const int Length = 48;
    private readonly TemporaryFolder _cache = new();

    public void Dispose() => _cache.Dispose();

    [Theory]
    [InlineData(Precision.Fp32)]
    [InlineData(Precision.Int8)]
    [InlineData(Precision.Int4)]
    public void A_row_has_the_same_logits_bit_for_bit_in_passes_of_any_size(Precision precision)
    {
        using LoadedModel model = Load(precision);
        float[] whole = Logits(model.Stages, Length);
        foreach (int rows in (int[])[1, 2, 3, 5, 7, 16, 31])
        {
            Assert.Equal(whole, Logits(model.Stages, rows));
        }
    }

    [Theory]
    [InlineData(Precision.Fp32)]
    [InlineData(Precision.Int8)]
    [InlineData(Precision.Int4)]
    public void A_row_has_the_same_logits_bit_for_bit_beside_other_sequences(Precision precision)
    {
        using LoadedModel model = Load(precision);
        OnnxStages stages = model.Stages;
        float[] alone = Logits(stages, 1);
        using KvCache first = new(stages.CreateKvStorage(Length));
        using KvCache second = new(stages.CreateKvStorage(Length));
        using KvCache third = new(stages.CreateKvStorage(Length));
        RowBatch batch = new(stages.MaxRows);
        int[] tokens = Tokens(stages);

        // The first a row at a time, the others beside it in pieces of several sizes.
        int at = 0;
        for (int position = 0; position < Length; position++)
        {
            int piece = Math.Min(position % 4, Length - at);
            batch.Clear();
            if (piece > 0)
            {
                batch.Add(second, at, tokens.AsSpan(at, piece));
            }

            int row = batch.Add(first, position, tokens[position]);
            batch.Add(third, position, tokens[Length - 1 - position]);
            at += piece;
            Run(stages, batch);
            Assert.Equal(alone.AsSpan(position * stages.VocabularySize, stages.VocabularySize), stages.Head([row]));
        }
    }

    [Fact]
    public void The_last_position_that_a_model_allows_can_run_alone()
    {
        using LoadedModel model = Load(Precision.Fp32, Length);
        Assert.Equal(Logits(model.Stages, Length), Logits(model.Stages, 1));
    }

    private static int[] Tokens(OnnxStages stages)
    {
        Random random = new(5);
        return [.. Enumerable.Range(0, Length).Select(_ => random.Next(stages.VocabularySize))];
    }

    private static void Run(OnnxStages stages, RowBatch batch)
    {
        stages.Embed(batch);
        Pass.Run(stages, LayerPlan.Full(stages.LayerCount).Blocks.AsSpan(), batch);
    }

    // Logits at all positions, from passes of so many rows.
    private static float[] Logits(OnnxStages stages, int rows)
    {
        using KvCache cache = new(stages.CreateKvStorage(Length));
        RowBatch batch = new(stages.MaxRows);
        int[] tokens = Tokens(stages);
        List<float> logits = [];
        for (int position = 0; position < Length; position += rows)
        {
            int count = Math.Min(rows, Length - position);
            batch.Clear();
            batch.Add(cache, position, tokens.AsSpan(position, count));
            Run(stages, batch);
            logits.AddRange(stages.Head([.. Enumerable.Range(0, count)]));
        }

        return [.. logits];
    }

    private LoadedModel Load(Precision precision, int? maxSequenceLength = null)
    {
        Assert.SkipUnless(
            precision == Precision.Int4 ? Avx512F.IsSupported && AvxVnni.IsSupported : Avx2.IsSupported,
            "The kernels of this processor may round a row otherwise among others.");
        return ModelLoader.Load(
            FixtureCheckpoint.Tales, new ModelOptions { CacheFolder = _cache.Path, Precision = precision },
            new RuntimeOptions { MaxSequenceLength = maxSequenceLength },
            warn: _ => { }, progress: null, TestContext.Current.CancellationToken);
    }
}
