using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Sampling;

#pragma warning disable xUnit1051 // Every call takes milliseconds.

namespace SpecDecode.Tests.Generation;

/// <summary>A request that begins as others did reads less, and answers the same: tokens, and how probable they were to the last bit.</summary>
public sealed class PrefixReuseTests
{
    public static TheoryData<string, KvPrecision> Models
    {
        get
        {
            TheoryData<string, KvPrecision> models = [];
            foreach (string fixture in (string[])["llama_base", "mistral", "gemma2", "gpt_neox", "phi3", "qwen3", "olmo2", "smollm3"])
            {
                models.Add(fixture, KvPrecision.Fp32);
            }

            models.Add("llama_base", KvPrecision.Fp16);
            models.Add("llama_hd8_linear_f16", KvPrecision.Int8);
            models.Add("gemma2", KvPrecision.Int8);
            return models;
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void A_prompt_that_is_sent_again_is_found_and_answered_the_same(string fixture, KvPrecision precision)
    {
        using TextModel keeping = Load(fixture, new RuntimeOptions { KvPrecision = precision });
        using TextModel fresh = Load(fixture, new RuntimeOptions { KvPrecision = precision, PrefixCache = 0 });
        int found = 0;
        for (int turn = 0; turn < 3; turn++)
        {
            foreach (GenerationRequest request in Requests())
            {
                GenerationResult expected = fresh.Generate(request), again = keeping.Generate(request);
                AssertSame(expected, again);
                Assert.Equal(0, expected.CachedPromptTokens);
                Assert.True(turn == 0 || again.CachedPromptTokens == (request.Tokens!.Count - 1) / 16 * 16, $"{again.CachedPromptTokens} of {request.Tokens!.Count}");
                found += again.CachedPromptTokens;
            }
        }

        Assert.True(found > 300);
    }

    [Fact]
    public void Choices_of_one_prompt_and_the_turns_of_a_conversation_are_found_in_batches_too()
    {
        using TextModel keeping = Load("llama_base", new RuntimeOptions());
        using TextModel fresh = Load("llama_base", new RuntimeOptions { PrefixCache = 0 });
        GenerationRequest choices = new()
        {
            Tokens = Prompt(90), MaxTokens = 24, Choices = 4, IgnoreEndOfSequence = true, Sampling = new SamplingOptions { Temperature = 1, Seed = 4 },
        };
        GenerationResult together = keeping.Generate(choices), apart = fresh.Generate(choices);
        Assert.Equal([0, 80, 80, 80], together.Choices.Select(choice => choice.CachedPromptTokens));
        for (int i = 0; i < 4; i++)
        {
            AssertSame(apart.Choices[i], together.Choices[i]);
        }

        // What the third one wrote, and a new turn.
        GenerationRequest next = new() { Tokens = [.. Prompt(90), .. together.Choices[2].Tokens, 7, 8, 9], MaxTokens = 9, IgnoreEndOfSequence = true };
        GenerationRequest[] batch = [next, .. Requests(), next];
        IReadOnlyList<GenerationResult> results = keeping.Generate(batch), expected = fresh.Generate(batch);
        Assert.Equal(112, results[0].CachedPromptTokens);
        for (int i = 0; i < batch.Length; i++)
        {
            AssertSame(expected[i], results[i]);
        }
    }

    [Fact]
    public void Both_kinds_of_longrope_find_their_own()
    {
        // The fixture's divisors are others for sequences that may get longer than 48 positions.
        using TextModel keeping = Load("phi3_longrope_between", new RuntimeOptions());
        using TextModel fresh = Load("phi3_longrope_between", new RuntimeOptions { PrefixCache = 0 });
        foreach (int maxTokens in (int[])[8, 60, 8, 60, 9, 61])
        {
            GenerationRequest request = new() { Tokens = Prompt(40), MaxTokens = maxTokens, IgnoreEndOfSequence = true, LogProbabilities = 1 };
            AssertSame(fresh.Generate(request), keeping.Generate(request));
        }

        Assert.Equal(32, keeping.Generate(new GenerationRequest { Tokens = Prompt(40), MaxTokens = 8 }).CachedPromptTokens);
    }

    [Fact]
    public void Scopes_do_not_share_and_whoever_asks_how_probable_the_prompt_was_reads_it()
    {
        using TextModel model = Load("llama_base", new RuntimeOptions());
        GenerationRequest request = new() { Tokens = Prompt(50), MaxTokens = 4, IgnoreEndOfSequence = true };
        int Found(GenerationRequest asked) => model.Generate(asked).CachedPromptTokens;
        Assert.Equal((0, 48), (Found(request), Found(request)));
        Assert.Equal((0, 48), (Found(request with { CacheScope = "a" }), Found(request with { CacheScope = "a" })));
        Assert.Equal((0, 48), (Found(request with { CacheScope = "b" }), Found(request)));
        Assert.Equal(0, Found(request with { PromptLogProbabilities = 1 }));
    }

    [Theory]
    [InlineData(KvPrecision.Fp16)]
    [InlineData(KvPrecision.Int8)]
    public void Drafted_texts_are_those_of_plain_decoding_whatever_keys_and_values_are_stored_as(KvPrecision precision)
    {
        using TextModel model = PlainModel.Load(
            TestFolders.StoryModel, new ModelOptions { CacheFolder = TestFolders.WeightCache, DraftPrecision = Precision.Int4 }, new RuntimeOptions { KvPrecision = precision });
        GenerationRequest[] plain = [.. ((string[])["Once upon a time", "The dog", "Lily and Ben went to the park. They"]).SelectMany(prompt => (GenerationRequest[])
            [
                new() { Prompt = prompt, MaxTokens = 80 },
                new() { Prompt = prompt, MaxTokens = 80, Sampling = new SamplingOptions { Temperature = 1, Seed = 5 } },
            ])];
        IReadOnlyList<GenerationResult> expected = model.Generate(plain);
        foreach (DraftingOptions drafting in (DraftingOptions[])[DraftingOptions.EarlyExit(2), DraftingOptions.LayerSkip([2], [1, 3])])
        {
            GenerationRequest[] drafted = [.. plain.Select(request => request with { Drafting = drafting })];
            Assert.Equal(expected.Select(result => result.Tokens), model.Generate(drafted).Select(result => result.Tokens));
            Assert.Equal(expected.Select(result => result.Tokens), drafted.Select(request => model.Generate(request).Tokens));
        }
    }

    private static IEnumerable<GenerationRequest> Requests()
    {
        foreach (int length in (int[])[1, 16, 17, 33, 60])
        {
            yield return new GenerationRequest { Tokens = Prompt(length), MaxTokens = 12, IgnoreEndOfSequence = true, LogProbabilities = 2 };
            yield return new GenerationRequest
            {
                Tokens = [.. Prompt(length), 9], MaxTokens = 12, IgnoreEndOfSequence = true, LogProbabilities = 2, Drafting = DraftingOptions.EarlyExit(2) with { DraftLength = 3 },
                Sampling = new SamplingOptions { Temperature = 0.9f, Seed = length },
            };
        }
    }

    private static int[] Prompt(int length) => [.. Enumerable.Range(0, length).Select(i => 3 + i * i % 89)];

    private static void AssertSame(GenerationResult expected, GenerationResult found)
    {
        Assert.Equal(expected.Tokens, found.Tokens);
        Assert.Equal(expected.LogProbabilities?.Select(token => token.LogProbability), found.LogProbabilities?.Select(token => token.LogProbability));
    }

    private static TextModel Load(string fixture, RuntimeOptions runtime) =>
        PlainModel.Load(Path.Combine(TestFolders.Fixtures, fixture), new ModelOptions { CacheFolder = TestFolders.WeightCache }, runtime);
}
