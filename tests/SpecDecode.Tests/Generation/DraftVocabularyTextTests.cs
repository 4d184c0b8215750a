using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Plans;
using SpecDecode.Sampling;

#pragma warning disable xUnit1051 // Every call takes a second at most.

namespace SpecDecode.Tests.Generation;

/// <summary>Drafts that choose from few tokens, or with a head in fewer bits, change no text, whatever tokens these are.</summary>
public sealed class DraftVocabularyTextTests
{
    private const int NewTokens = 150;

    private static readonly string[] Prompts =
    [
        "Once upon a time, there was a little bird who could not sing.", "Tom had a red ball.", "The dog saw a cat.",
        "Lily and her mom went to the market to buy apples.", "One day, a boy found a key under the big tree.",
    ];

    [Theory]
    [InlineData(32, null)]
    [InlineData(256, null)]
    [InlineData(1024, null)]
    [InlineData(1024, Precision.Int8)]
    [InlineData(256, Precision.Int4)]
    [InlineData(0, Precision.Int8)]
    [InlineData(0, Precision.Int4)]
    public void Texts_are_those_of_plain_decoding(int tokens, Precision? head)
    {
        using TextModel model = Load(tokens, Precision.Int4, head);
        Assert.Equal((tokens, head), (model.DraftVocabulary, model.DraftHeadPrecision));
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

    [Theory]
    [InlineData(1024, null)]
    [InlineData(1024, Precision.Int8)]
    [InlineData(0, Precision.Int8)]
    [InlineData(0, Precision.Int4)]
    public void Drafts_are_accepted_as_often_as_with_the_whole_head_once_the_words_are_known(int tokens, Precision? head)
    {
        DraftingOptions drafting = DraftingOptions.Of(LayerPlan.EarlyExit(12, 4)) with { DraftLength = 3 };
        using TextModel all = Load(0, null);
        using TextModel some = Load(tokens, null, head);
        GenerationRequest[] requests = [.. Prompts.Select(prompt => Request(prompt, SamplingOptions.Greedy, drafting))];
        some.Generate(requests);
        double expected = Accepted(all.Generate(requests));
        double found = Accepted(some.Generate(requests));
        TestContext.Current.SendDiagnosticMessage(FormattableString.Invariant($"{expected} accepted with the whole head, {found} with {tokens} tokens in {head}"));
        Assert.InRange(found / expected, 0.97, 1.1);

        static double Accepted(IReadOnlyList<GenerationResult> results) => results.Sum(result => result.Drafting.Accepted);
    }

    [Theory]
    [InlineData(64, null)]
    [InlineData(64, Precision.Int4)]
    [InlineData(0, Precision.Int4)]
    public void A_seed_repeats_its_text_by_rejection_sampling_whatever_was_written_meanwhile(int tokens, Precision? head)
    {
        using TextModel model = Load(tokens, null, head);
        GenerationRequest request = Request(
            Prompts[1], new SamplingOptions { Temperature = 1, Seed = 11, Acceptance = AcceptanceRule.Rejection }, DraftingOptions.Of(LayerPlan.EarlyExit(12, 3)));
        IReadOnlyList<int> first = model.Generate(request).Tokens;
        model.Generate([.. Prompts.Select(prompt => Request(prompt, new SamplingOptions { Temperature = 1.5f }, DraftingOptions.Of(LayerPlan.EarlyExit(12, 3))))]);
        Assert.Equal(first, model.Generate(request).Tokens);
    }

    private static TextModel Load(int tokens, Precision? draftPrecision, Precision? head = null) => PlainModel.Load(
        TestFolders.StoryModel,
        new ModelOptions
        {
            CacheFolder = TestFolders.WeightCache, DraftPrecision = draftPrecision, DraftVocabulary = tokens, DraftHeadPrecision = head, Kernels = KernelChoice.Own,
        });

    private static GenerationRequest Request(string prompt, SamplingOptions sampling, DraftingOptions? drafting) =>
        new() { Prompt = prompt, MaxTokens = NewTokens, IgnoreEndOfSequence = true, Sampling = sampling, Drafting = drafting };
}
