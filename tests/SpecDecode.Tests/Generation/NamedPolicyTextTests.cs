using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Sampling;

#pragma warning disable xUnit1051 // Every call takes a second at most.

namespace SpecDecode.Tests.Generation;

/// <summary>Texts of the real story model whose drafts other policies end are those of plain decoding, greedy and with shared noise.</summary>
[Collection(nameof(TalesModels))]
public class NamedPolicyTextTests(TalesModels models)
{
    private static readonly string[] Prompts =
        ["Once upon a time, there was a little bird who could not sing.", "Tom had a red ball.", "The dog saw a cat.", "Mia liked to draw. She drew a house and"];

    public static TheoryData<string> Policies => [DraftingPolicy.AdaptiveThreshold, DraftingPolicy.ConfidenceStop];

    [Theory]
    [MemberData(nameof(Policies))]
    public void Greedy_texts_are_the_same(string policy)
    {
        IReadOnlyList<GenerationResult> plain = Write(DraftingOptions.None, null);
        foreach (DraftingOptions plan in (DraftingOptions[])[DraftingOptions.EarlyExit(2), DraftingOptions.LayerSkip([4, 6, 8], [3, 5, 7, 9])])
        {
            IReadOnlyList<GenerationResult> drafted = Write(plan with { Policy = policy }, null);
            for (int i = 0; i < Prompts.Length; i++)
            {
                models.AssertSameUpToNearTies(models.Wide.Tokenizer!.Encode(Prompts[i]), plain[i].Tokens, drafted[i].Tokens);
            }

            AssertDrafted(drafted);
        }
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void With_shared_noise_the_text_of_a_seed_is_the_same(string policy)
    {
        SamplingOptions sampling = new() { Temperature = 0.9f, TopP = 0.95f, Seed = 5, Acceptance = AcceptanceRule.SharedNoise };
        IReadOnlyList<GenerationResult> plain = Write(DraftingOptions.None, sampling);
        IReadOnlyList<GenerationResult> drafted = Write(DraftingOptions.EarlyExit(2) with { Policy = policy }, sampling);
        for (int i = 0; i < Prompts.Length; i++)
        {
            int[] prompt = models.Wide.Tokenizer!.Encode(Prompts[i]);
            int same = plain[i].Tokens.Zip(drafted[i].Tokens).TakeWhile(pair => pair.First == pair.Second).Count();
            Assert.True(
                same == plain[i].Tokens.Count || models.Wide.MeasureChoiceMargin(prompt, [.. plain[i].Tokens.Take(same)], sampling) < 1e-3, $"text {i} parts at {same}");
        }

        AssertDrafted(drafted);
    }

    private static void AssertDrafted(IReadOnlyList<GenerationResult> texts)
    {
        long drafted = texts.Sum(text => text.Drafting.Drafted);
        long accepted = texts.Sum(text => text.Drafting.Accepted);
        TestContext.Current.SendDiagnosticMessage($"{accepted} of {drafted} accepted");
        Assert.True(drafted > 100 && accepted > 50, $"{accepted} of {drafted} accepted");
    }

    private IReadOnlyList<GenerationResult> Write(DraftingOptions drafting, SamplingOptions? sampling) => models.Wide.Generate(
        [.. Prompts.Select(prompt => new GenerationRequest { Prompt = prompt, MaxTokens = 100, IgnoreEndOfSequence = true, Drafting = drafting, Sampling = sampling })]);
}
