using SpecDecode.Caching;
using SpecDecode.Models;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>The head of drafts gives the whole head's logits for the tokens that it scores, bit for bit, and none for the others.</summary>
public sealed class ShortHeadTests
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
    public void What_cannot_be_is_refused()
    {
        SpecDecodeException error = Assert.Throws<OptionException>(() => Load(TestFolders.StoryModel, new ModelOptions { DraftVocabulary = -1 }));
        Assert.Contains("DraftVocabulary is -1: give", error.Message);
        error = Assert.Throws<OptionException>(() => Load(TestFolders.StoryModel, new ModelOptions { DraftVocabulary = 512, Kernels = KernelChoice.OnnxRuntime }));
        Assert.Contains("needs the library's own kernels", error.Message);
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
