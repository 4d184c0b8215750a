using System.Runtime.Intrinsics.X86;
using SpecDecode.Caching;
using SpecDecode.Models;
using SpecDecode.Plans;
using SpecDecode.Stages;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>
/// What a row comes out as must not depend on the rows that run beside it; then speculation is plain decoding bit for bit.
/// The kernels of the processor decide that: docs/models.md says which were tried. The defaults must have it; elsewhere, and
/// with other settings, what the model says of itself must be true.
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
    [InlineData(Precision.Int4, Precision.Int4)]
    [InlineData(Precision.Int8, null, 16)]
    [InlineData(Precision.Int8, null, 64)]
    [InlineData(Precision.Int8, null, 128)]
    [InlineData(Precision.Int8, null, 256)]
    [InlineData(Precision.Int4, null, 16)]
    [InlineData(Precision.Int4, null, 64)]
    [InlineData(Precision.Int4, null, 128)]
    [InlineData(Precision.Int4, null, 256)]
    [InlineData(Precision.Int8, null, 32, ActivationPrecision.Fp32)]
    [InlineData(Precision.Int4, null, 32, ActivationPrecision.Fp32)]
    [InlineData(Precision.Int4, Precision.Fp32)]
    public void A_row_has_the_same_logits_bit_for_bit_in_passes_of_any_size(
        Precision precision, Precision? head = null, int blockSize = 32, ActivationPrecision activations = ActivationPrecision.Int8)
    {
        bool isDefault = head is null && blockSize == 32 && activations == ActivationPrecision.Int8;
        using LoadedModel model = Load(new ModelOptions
        {
            Precision = precision, HeadPrecision = head, BlockSize = blockSize == 32 ? null : blockSize, Activations = activations,
        });
        Assert.SkipUnless(model.Stages.RowsAreAlike || isDefault, "With these kernels rows depend on their neighbours, and the model says so.");

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
        using LoadedModel model = Load(new ModelOptions { Precision = precision });
        IStages stages = model.Stages;
        float[] alone = Logits(stages, 1);
        using KvCache first = new(stages.Pages, Length);
        first.Hold(Length);
        using KvCache second = new(stages.Pages, Length);
        second.Hold(Length);
        using KvCache third = new(stages.Pages, Length);
        third.Hold(Length);
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
        using LoadedModel model = Load(new ModelOptions(), Length);
        Assert.Equal(Logits(model.Stages, Length), Logits(model.Stages, 1));
    }

    private static int[] Tokens(IStages stages)
    {
        Random random = new(5);
        return [.. Enumerable.Range(0, Length).Select(_ => random.Next(stages.VocabularySize))];
    }

    private static void Run(IStages stages, RowBatch batch)
    {
        stages.Embed(batch);
        Pass.Run(stages, LayerPlan.Full(stages.LayerCount).Blocks.AsSpan(), batch);
    }

    // Logits at all positions, from passes of so many rows.
    private static float[] Logits(IStages stages, int rows)
    {
        using KvCache cache = new(stages.Pages, Length);
        cache.Hold(Length);
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

    private LoadedModel Load(ModelOptions options, int? maxSequenceLength = null)
    {
        Assert.SkipUnless(Avx2.IsSupported, "Attention was not measured on this kind of processor.");
        options.CacheFolder = _cache.Path;
        return ModelLoader.Load(
            FixtureCheckpoint.Tales, options, new RuntimeOptions { MaxSequenceLength = maxSequenceLength },
            warn: _ => { }, progress: null, TestContext.Current.CancellationToken);
    }
}
