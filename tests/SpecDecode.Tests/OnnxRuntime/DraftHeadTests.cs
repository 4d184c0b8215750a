using SpecDecode.Caching;
using SpecDecode.Models;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>The head of drafts gives the head's logits for the tokens that it scores, bit for bit, or those of a head in fewer bits, and none for the others.</summary>
public sealed class DraftHeadTests
{
    private const int Tokens = 96;

    public static TheoryData<string, Precision?, Precision?> Models
    {
        get
        {
            TheoryData<string, Precision?, Precision?> data = [];
            foreach (Precision? precision in (Precision?[])[null, Precision.Fp32, Precision.Fp16, Precision.Int8, Precision.Int4])
            {
                data.Add(TestFolders.StoryModel, precision, null);
            }

            // A bias, a soft cap, heads of their own.
            data.Add(Path.Combine(TestFolders.Fixtures, "gemma2"), null, null);
            data.Add(Path.Combine(TestFolders.Fixtures, "gpt_neox"), null, null);
            data.Add(Path.Combine(TestFolders.Fixtures, "llama_tied_bias_f32"), null, null);
            data.Add(TestFolders.StoryModel, null, Precision.Int4);
            data.Add(TestFolders.StoryModel, Precision.Int8, Precision.Int4);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Logits_are_the_whole_heads(string folder, Precision? precision, Precision? draftPrecision)
    {
        using LoadedModel model = Load(folder, new ModelOptions { Precision = precision, DraftPrecision = draftPrecision, DraftVocabulary = Tokens });
        IStages stages = model.Stages;
        Assert.Equal(Tokens, stages.DraftVocabulary.Length);
        int[] tokens = [.. Enumerable.Range(0, Tokens)];
        using KvCache cache = new(stages.Pages, 16);
        cache.Hold(16);
        Random random = new(3);
        foreach (WeightSet weights in draftPrecision is null ? [WeightSet.Verifier] : Enum.GetValues<WeightSet>())
        {
            for (int turn = 0; turn < 4; turn++)
            {
                Compare(stages, cache, weights, tokens, rows: 1 + turn * 2);
                for (int i = 0; i < 50; i++)
                {
                    int token = random.Next(stages.VocabularySize);
                    if (!tokens.Contains(token))
                    {
                        int place = random.Next(Tokens);
                        stages.PutInDraftVocabulary(place, tokens[place] = token);
                    }
                }
            }

            Assert.Contains(tokens, token => token >= Tokens);
        }
    }

    /// <summary>Model, its precision, that of the head of drafts, and how many tokens it scores.</summary>
    public static TheoryData<string, Precision?, Precision, int> Rounded
    {
        get
        {
            TheoryData<string, Precision?, Precision, int> data = [];
            foreach (Precision head in (Precision[])[Precision.Int8, Precision.Int4])
            {
                foreach (int tokens in (int[])[Tokens, 0])
                {
                    data.Add(TestFolders.StoryModel, null, head, tokens);
                    data.Add(TestFolders.StoryModel, Precision.Fp32, head, tokens);
                    data.Add(TestFolders.StoryModel, Precision.Fp16, head, tokens);

                    // A bias, a soft cap, widths that no block divides.
                    data.Add(Path.Combine(TestFolders.Fixtures, "gemma2"), null, head, tokens);
                    data.Add(Path.Combine(TestFolders.Fixtures, "gpt_neox"), null, head, tokens);
                    data.Add(Path.Combine(TestFolders.Fixtures, "llama_tied_bias_f32"), null, head, tokens);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Rounded))]
    public void Rounded_logits_are_those_of_a_head_that_was_prepared_so(string folder, Precision? precision, Precision head, int tokens)
    {
        const int Rows = 5;
        using LoadedModel model = Load(folder, new ModelOptions { Precision = precision, DraftVocabulary = tokens, DraftHeadPrecision = head });
        using LoadedModel prepared = Load(folder, new ModelOptions { Precision = precision, DraftVocabulary = 0, HeadPrecision = head });
        Assert.Equal((tokens, head), (model.Stages.DraftVocabulary.Length, model.DraftHeadPrecision));
        if (tokens > 0)
        {
            model.Stages.PutInDraftVocabulary(7, model.Stages.VocabularySize - 1);
        }

        using KvCache cache = new(model.Stages.Pages, 16);
        using KvCache other = new(prepared.Stages.Pages, 16);
        RowBatch batch = Embed(model.Stages, cache, Rows);
        Embed(prepared.Stages, other, Rows);
        Pass.Run(model.Stages, LayerPlan.EarlyExit(model.Stages.LayerCount, 1).Blocks.AsSpan(), batch);
        float[] residual = new float[model.Stages.ResidualWidth];
        for (int row = 0; row < Rows; row++)
        {
            model.Stages.ReadResidual(row, residual);
            prepared.Stages.WriteResidual(row, residual);
        }

        // Last first, and fewer rows than there are.
        int[] scored = [4, 1, 0];
        float[] whole = [.. model.Stages.Head(scored)];
        float[] expected = [.. prepared.Stages.Head(scored)];
        float[] found = [.. model.Stages.DraftHead(scored)];
        Assert.NotEqual(whole[0], found[0]);
        for (int i = 0; i < found.Length; i++)
        {
            int token = i % model.Stages.VocabularySize;
            float wanted = tokens == 0 || model.Stages.DraftVocabulary.Contains(token) ? expected[i] : float.NegativeInfinity;
            Assert.True(BitConverter.SingleToUInt32Bits(wanted) == BitConverter.SingleToUInt32Bits(found[i]), $"Place {i}: {wanted} of the prepared head, {found[i]} of the head of drafts.");
        }

        // The head itself is as it was.
        Assert.Equal(whole, model.Stages.Head(scored).ToArray());

        static RowBatch Embed(IStages stages, KvCache cache, int rows)
        {
            cache.Hold(16);
            RowBatch batch = new(rows);
            batch.Add(cache, 0, [.. Enumerable.Range(1, rows)]);
            stages.Embed(batch);
            return batch;
        }
    }

    [Theory]
    [InlineData(Tokens)]
    [InlineData(0)]
    public void Each_copy_of_the_weights_has_a_head_in_no_more_bits_than_its_own(int tokens)
    {
        // The copy's head is int8 as it is, so that drafts on it use that; those on the model's own weights have one of theirs.
        using LoadedModel model = Load(TestFolders.StoryModel, new ModelOptions { DraftPrecision = Precision.Int4, DraftVocabulary = tokens, DraftHeadPrecision = Precision.Int8 });
        IStages stages = model.Stages;
        using KvCache cache = new(stages.Pages, 16);
        cache.Hold(16);
        foreach (WeightSet weights in Enum.GetValues<WeightSet>())
        {
            RowBatch batch = new(1);
            batch.Add(cache, 0, [5]);
            stages.Embed(batch, weights);
            Pass.Run(stages, LayerPlan.EarlyExit(stages.LayerCount, 1).Blocks.AsSpan(), batch);
            float[] whole = [.. stages.Head([0])];
            float[] found = [.. stages.DraftHead([0])];
            int scored = tokens == 0 ? stages.VocabularySize : tokens;
            Assert.Equal(weights == WeightSet.Drafter, whole.AsSpan(0, scored).SequenceEqual(found.AsSpan(0, scored)));
            Assert.All(found.Skip(scored), logit => Assert.Equal(float.NegativeInfinity, logit));
        }
    }

    // Behind the product ONNX Runtime bounds the logits, element by element.
    [Theory]
    [InlineData(Precision.Int8)]
    [InlineData(Precision.Int4)]
    public void A_rounded_row_does_not_depend_on_the_rows_beside_it(Precision head)
    {
        using LoadedModel model = Load(Path.Combine(TestFolders.Fixtures, "gemma2"), new ModelOptions { DraftVocabulary = 0, DraftHeadPrecision = head });
        IStages stages = model.Stages;
        using KvCache cache = new(stages.Pages, 16);
        cache.Hold(16);
        RowBatch batch = new(5);
        batch.Add(cache, 0, [3, 1, 4, 1, 5]);
        stages.Embed(batch);
        Pass.Run(stages, LayerPlan.EarlyExit(stages.LayerCount, 1).Blocks.AsSpan(), batch);
        float[] all = [.. stages.DraftHead([0, 1, 2, 3, 4])];
        for (int rows = 1; rows < 5; rows++)
        {
            float[] some = [.. stages.DraftHead([.. Enumerable.Range(5 - rows, rows)])];
            Assert.True(some.AsSpan().SequenceEqual(all.AsSpan((5 - rows) * stages.VocabularySize)), $"{rows} rows");
        }
    }

    [Fact]
    public void An_int8_head_is_rounded_to_int4_from_what_it_holds()
    {
        using LoadedModel model = Load(TestFolders.StoryModel, new ModelOptions { Precision = Precision.Int8, DraftHeadPrecision = Precision.Int4 });
        IStages stages = model.Stages;
        using KvCache cache = new(stages.Pages, 16);
        cache.Hold(16);
        RowBatch batch = new(1);
        batch.Add(cache, 0, [5]);
        stages.Embed(batch);
        Pass.Run(stages, LayerPlan.Full(stages.LayerCount).Blocks.AsSpan(), batch);
        double[] whole = [.. stages.Head([0]).ToArray().Select(logit => (double)logit)];
        double[] found = [.. stages.DraftHead([0]).ToArray().Select(logit => (double)logit)];
        double error = Math.Sqrt(whole.Zip(found, (a, b) => (a - b) * (a - b)).Average());
        double spread = Math.Sqrt(whole.Average(logit => logit * logit) - Math.Pow(whole.Average(), 2));
        Assert.InRange(error / spread, 1e-4, 0.15);
    }

    private static void Compare(IStages stages, KvCache cache, WeightSet weights, int[] tokens, int rows)
    {
        RowBatch batch = new(rows);
        batch.Add(cache, 0, [.. Enumerable.Range(1, rows)]);
        stages.Embed(batch, weights);
        Pass.Run(stages, LayerPlan.EarlyExit(stages.LayerCount, 1).Blocks.AsSpan(), batch);
        int[] scored = [.. Enumerable.Range(0, rows).Reverse()];
        float[] whole = [.. stages.Head(scored)];
        float[] some = [.. stages.DraftHead(scored)];
        Assert.Equal(whole.Length, some.Length);
        for (int i = 0; i < whole.Length; i++)
        {
            float expected = tokens.Contains(i % stages.VocabularySize) ? whole[i] : float.NegativeInfinity;
            if (BitConverter.SingleToUInt32Bits(expected) != BitConverter.SingleToUInt32Bits(some[i]))
            {
                Assert.Fail($"Row {i / stages.VocabularySize}, token {i % stages.VocabularySize}: {expected} of the whole head, {some[i]} of the head of drafts.");
            }
        }
    }

    [Theory]
    [InlineData(1, 32)]
    [InlineData(32, 32)]
    [InlineData(33, 64)]
    [InlineData(4064, 4064)]
    [InlineData(4065, 0)]
    [InlineData(1_000_000_000, 0)]
    [InlineData(int.MaxValue, 0)]
    [InlineData(0, 0)]
    [InlineData(null, 0)]
    public void A_number_is_rounded_to_whole_panels_and_all_tokens_are_all(int? asked, int size)
    {
        using LoadedModel model = Load(TestFolders.StoryModel, new ModelOptions { DraftVocabulary = asked });
        Assert.Equal(size, model.Stages.DraftVocabulary.Length);
    }

    [Fact]
    public void What_is_learnt_is_kept_by_it()
    {
        Assert.Equal(" draft tokens", new DraftHeadSettings(null, null, 32).ToString());
        Assert.Equal("4096 draft tokens", new DraftHeadSettings(4096, null, 32).ToString());
        Assert.Equal("4096 draft tokens, scored in int4", new DraftHeadSettings(4096, Precision.Int4, 32).ToString());
    }

    [Fact]
    public void One_that_does_not_fit_into_memory_is_refused_with_what_to_do()
    {
        Assert.Null(DraftHeadSettings.FindError(100 << 20, 200 << 20, 300 << 20));
        Assert.StartsWith("DraftHeadPrecision", DraftHeadSettings.FindError(100 << 20, 201 << 20, 300 << 20)!.Message.Split("leave ")[1], StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_is_refused()
    {
        SpecDecodeException error = Assert.Throws<OptionException>(() => Load(TestFolders.StoryModel, new ModelOptions { DraftVocabulary = -1 }));
        Assert.Contains("DraftVocabulary is -1: give", error.Message);
        error = Assert.Throws<OptionException>(() => Load(TestFolders.StoryModel, new ModelOptions { DraftVocabulary = 512, Kernels = KernelChoice.OnnxRuntime }));
        Assert.Contains("needs the library's own kernels", error.Message);
        error = Assert.Throws<OptionException>(() => Load(TestFolders.StoryModel, new ModelOptions { DraftHeadPrecision = Precision.Fp16 }));
        Assert.Contains("DraftHeadPrecision is fp16: give int8 or int4, or leave it out.", error.Message);
        error = Assert.Throws<OptionException>(() => Load(TestFolders.StoryModel, new ModelOptions { DraftHeadPrecision = Precision.Int4, Kernels = KernelChoice.OnnxRuntime }));
        Assert.Contains("DraftHeadPrecision is int4, which needs the library's own kernels", error.Message);
        error = Assert.Throws<OptionException>(() => Load(TestFolders.StoryModel, new ModelOptions { Precision = Precision.Int8, DraftPrecision = Precision.Int4, DraftHeadPrecision = Precision.Int8 }));
        Assert.Contains("DraftHeadPrecision is int8, and the head is stored as int8: give int4, or leave it out.", error.Message);
        error = Assert.Throws<OptionException>(() => Load(TestFolders.StoryModel, new ModelOptions { HeadPrecision = Precision.Int4, DraftHeadPrecision = Precision.Int8 }));
        Assert.EndsWith("DraftHeadPrecision is int8, and the head is stored as int4: leave it out.", error.Message);
        using LoadedModel all = Load(TestFolders.StoryModel, new ModelOptions { DraftVocabulary = 0, Kernels = KernelChoice.OnnxRuntime });
        Assert.Equal(0, all.Stages.DraftVocabulary.Length);
    }

    private static LoadedModel Load(string folder, ModelOptions options)
    {
        options.CacheFolder = TestFolders.WeightCache;
        options.Kernels ??= KernelChoice.Own;
        return ModelLoader.Load(folder, options, new RuntimeOptions(), _ => { }, null, TestContext.Current.CancellationToken);
    }
}
