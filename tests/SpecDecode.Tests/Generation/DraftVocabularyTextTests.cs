using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Plans;
using SpecDecode.Sampling;

#pragma warning disable xUnit1051 // Every call takes a second at most.

namespace SpecDecode.Tests.Generation;

/// <summary>Drafts that choose from few tokens change no text, whatever tokens these are.</summary>
public sealed class DraftVocabularyTextTests
{
    private const int NewTokens = 150;

    private static readonly string[] Prompts =
    [
        "Once upon a time, there was a little bird who could not sing.", "Tom had a red ball.", "The dog saw a cat.",
        "Lily and her mom went to the market to buy apples.", "One day, a boy found a key under the big tree.",
    ];

    [Theory]
    [InlineData(32)]
    [InlineData(256)]
    [InlineData(1024)]
    public void Texts_are_those_of_plain_decoding(int tokens)
    {
        using TextModel model = Load(tokens, Precision.Int4);
        Assert.Equal(tokens, model.DraftVocabulary);
        foreach (SamplingOptions sampling in (SamplingOptions[])[SamplingOptions.Greedy, new() { Temperature = 1, Seed = 5 }])
        {
            IReadOnlyList<GenerationResult> plain = model.Generate([.. Prompts.Select(prompt => Request(prompt, sampling, null))]);
            foreach (DraftingOptions drafting in (DraftingOptions[])[
                DraftingOptions.Of(LayerPlan.EarlyExit(12, 3)) with { DraftLength = 4 }, new() { Strategy = DraftingStrategy.EarlyExit, ExitLayer = 12, DraftLength = 6 },
                new() { Strategy = DraftingStrategy.Auto }])
            {
                IReadOnlyList<GenerationResult> drafted = model.Generate([.. Prompts.Select(prompt => Request(prompt, sampling, drafting))]);
                Assert.Equal(plain.Select(result => result.Tokens), drafted.Select(result => result.Tokens));
            }
        }
    }

    [Fact]
    public void Drafts_are_accepted_as_often_as_with_all_tokens_once_the_words_are_known()
    {
        DraftingOptions drafting = DraftingOptions.Of(LayerPlan.EarlyExit(12, 4)) with { DraftLength = 3 };
        using TextModel all = Load(0, null);
        using TextModel some = Load(1024, null);
        GenerationRequest[] requests = [.. Prompts.Select(prompt => Request(prompt, SamplingOptions.Greedy, drafting))];
        some.Generate(requests);
        double expected = Accepted(all.Generate(requests));
        double found = Accepted(some.Generate(requests));
        TestContext.Current.SendDiagnosticMessage(FormattableString.Invariant($"{expected} accepted of all tokens, {found} of 1024"));
        Assert.InRange(found / expected, 0.97, 1.1);

        static double Accepted(IReadOnlyList<GenerationResult> results) => results.Sum(result => result.Drafting.Accepted);
    }

    [Fact]
    public void A_seed_repeats_its_text_by_rejection_sampling_whatever_was_written_meanwhile()
    {
        using TextModel model = Load(64, null);
        GenerationRequest request = Request(
            Prompts[1], new SamplingOptions { Temperature = 1, Seed = 11, Acceptance = AcceptanceRule.Rejection }, DraftingOptions.Of(LayerPlan.EarlyExit(12, 3)));
        IReadOnlyList<int> first = model.Generate(request).Tokens;
        model.Generate([.. Prompts.Select(prompt => Request(prompt, new SamplingOptions { Temperature = 1.5f }, DraftingOptions.Of(LayerPlan.EarlyExit(12, 3))))]);
        Assert.Equal(first, model.Generate(request).Tokens);
    }

    private static TextModel Load(int tokens, Precision? draftPrecision) => PlainModel.Load(
        TestFolders.StoryModel,
        new ModelOptions { CacheFolder = TestFolders.WeightCache, DraftPrecision = draftPrecision, DraftVocabulary = tokens, Kernels = KernelChoice.Own });

    private static GenerationRequest Request(string prompt, SamplingOptions sampling, DraftingOptions? drafting) =>
        new() { Prompt = prompt, MaxTokens = NewTokens, IgnoreEndOfSequence = true, Sampling = sampling, Drafting = drafting };
}
