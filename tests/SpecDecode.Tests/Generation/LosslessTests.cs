using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Plans;

#pragma warning disable xUnit1051 // Every call takes a second at most.

namespace SpecDecode.Tests.Generation;

/// <summary>Drafted texts of the real story model are those of plain decoding, over more than 20,000 tokens.</summary>
[Collection(nameof(TalesModels))]
public class LosslessTests(TalesModels models)
{
    private const int NewTokens = 120;
    private const int Layers = 12;

    private static readonly string[] Prompts =
    [
        "Once upon a time, there was a little bird who could not sing.", "Tom had a red ball.", "The dog saw a cat.",
        "Lily and her mom went to the market to buy apples.", "One day, a boy found a key under the big tree.",
        "There was a small boat on the lake.", "Mia liked to draw. She drew a house and", "\"Can I have a cake?\" asked Ben.",
    ];

    private static readonly LayerPlan[] Plans =
    [
        LayerPlan.EarlyExit(Layers, 1), LayerPlan.EarlyExit(Layers, 2), LayerPlan.EarlyExit(Layers, 4), LayerPlan.EarlyExit(Layers, 8),
        LayerPlan.EarlyExit(Layers, 12),
        LayerPlan.LayerSkip(Layers, [4, 6, 8], [3, 5, 7, 9]), LayerPlan.LayerSkip(Layers, [], [5, 6, 7]), LayerPlan.LayerSkip(Layers, [1, 10], []),
        LayerPlan.LayerSkip(Layers, [0], [0]),
        LayerPlan.Of(Layers, LayerPlan.EarlyExit(Layers, 3).Blocks.Concat(LayerPlan.EarlyExit(Layers, 3).Blocks.Skip(2))),
        LayerPlan.Of(Layers, LayerPlan.EarlyExit(Layers, 6).Blocks.Reverse()),
        LayerPlan.Of(Layers, []),
    ];

    [Fact]
    public void Drafted_texts_alone_and_in_mixed_batches_are_those_of_plain_decoding()
    {
        IReadOnlyList<GenerationResult> plain = models.Wide.Generate([.. Prompts.Select(prompt => Request(prompt, null))]);
        int tokens = 0;
        int parted = 0;
        for (int turn = 0; turn < 24; turn++)
        {
            // Sizes 1 to 8; plans, lengths and thresholds change from text to text, and some decode plainly.
            int size = 1 + turn % 8;
            GenerationRequest[] requests = [.. Enumerable.Range(0, size).Select(i => Request(Prompts[(turn + i) % Prompts.Length], Draft(turn, i)))];
            parted += Compare(requests, plain, turn);
            tokens += size * NewTokens;
        }

        foreach (LayerPlan plan in Plans)
        {
            foreach (int length in (int[])[1, 3, 7, 16])
            {
                GenerationRequest[] requests = [.. Prompts[..2].Select(prompt => Request(prompt, DraftingOptions.Of(plan) with { DraftLength = length }))];
                parted += Compare(requests, plain, 0);
                tokens += requests.Length * NewTokens;
            }
        }

        TestContext.Current.SendDiagnosticMessage($"{tokens} tokens drafted and verified, {parted} texts parted at a near-tie");
        Assert.True(tokens > 20_000, $"{tokens} tokens");
    }

    [Fact]
    public void Passes_of_five_rows_that_cut_drafts_and_prompts_write_the_same()
    {
        GenerationRequest[] requests = [.. Enumerable.Range(0, 6).Select(i =>
            Request(Prompts[i], Draft(i, i)) with { MaxTokens = 40 })];
        IReadOnlyList<GenerationResult> drafted = models.Narrow.Generate(requests);
        for (int i = 0; i < requests.Length; i++)
        {
            IReadOnlyList<int> plain = models.Wide.Generate(requests[i] with { Drafting = null }).Tokens;
            models.AssertSameUpToNearTies(models.Wide.Tokenizer!.Encode(requests[i].Prompt!), plain, drafted[i].Tokens);
        }
    }

    [Fact]
    public void A_cancelled_drafted_text_ends_where_it_is_and_the_next_is_whole()
    {
        GenerationRequest request = Request(Prompts[0], DraftingOptions.Of(LayerPlan.EarlyExit(Layers, 2)) with { DraftLength = 5 });
        IReadOnlyList<int> whole = models.Wide.Generate(request).Tokens;
        using CancellationTokenSource cancellation = new();
        int told = 0;
        GenerationResult cut = models.Wide.Generate(
            request,
            _ =>
            {
                if (++told == 30)
                {
                    cancellation.Cancel();
                }
            },
            cancellation.Token);

        Assert.Equal(FinishReason.Cancelled, cut.FinishReason);
        Assert.InRange(cut.Tokens.Count, 30, 35);
        Assert.Equal(whole.Take(cut.Tokens.Count), cut.Tokens);
        Assert.Equal(whole, models.Wide.Generate(request).Tokens);
    }

    [Fact]
    public void The_statistics_of_a_text_add_up()
    {
        GenerationResult result = models.Wide.Generate(Request(Prompts[0], DraftingOptions.Of(LayerPlan.EarlyExit(Layers, 2)) with { DraftLength = 5 }));

        // The first token comes from the prompt; every round gives its accepted tokens and one of the verifier's.
        Assert.Equal(NewTokens, 1 + result.Drafting.Rounds + result.Drafting.Accepted);
        Assert.Equal(result.Drafting.Accepted, result.Drafting.AcceptedPerPosition.Sum());
        Assert.Equal(result.Drafting.Drafted, result.Drafting.Accepted + result.Drafting.Discarded);
        Assert.Equal(result.Drafting.Rounds, result.Drafting.Corrections + result.Drafting.BonusTokens + Plain(result));
        Assert.InRange(result.Drafting.Evaluated, result.Drafting.Accepted, result.Drafting.Drafted);
        Assert.True(result.Drafting.AcceptanceRate > 0.2, "The story model drafts for itself.");

        // Only the very last round may have had no room for a draft.
        static long Plain(GenerationResult result) => result.Drafting.Rounds - result.Drafting.Corrections - result.Drafting.BonusTokens is var rest and <= 1 ? rest : -1;
    }

    [Fact]
    public void A_full_depth_draft_is_always_accepted()
    {
        GenerationResult result = models.Wide.Generate(Request(Prompts[1], DraftingOptions.Of(LayerPlan.Full(Layers)) with { DraftLength = 6 }));
        Assert.Equal(0, result.Drafting.Corrections);
        Assert.Equal(result.Drafting.Drafted, result.Drafting.Accepted);
    }

    [Fact]
    public void A_draft_ends_after_a_token_under_the_threshold_which_is_verified_still()
    {
        DraftingOptions always = DraftingOptions.Of(LayerPlan.EarlyExit(Layers, 2)) with { DraftLength = 8, Threshold = 1 };
        GenerationResult result = models.Wide.Generate(Request(Prompts[0], always));

        // No probability reaches 1 here: each round drafts one token, and many of them are accepted.
        Assert.InRange(result.Drafting.Drafted, result.Drafting.Rounds - 1, result.Drafting.Rounds);
        Assert.Single(result.Drafting.AcceptedPerPosition);
        Assert.True(result.Drafting.Accepted > 0);
    }

    [Fact]
    public void A_text_that_reaches_its_limit_within_a_draft_ends_there()
    {
        int[] plain = [.. models.Wide.Generate(Request(Prompts[2], null)).Tokens];
        Assert.Equal(plain, models.Wide.Generate(Request(Prompts[2], DraftingOptions.Of(LayerPlan.Full(Layers)) with { DraftLength = 16 })).Tokens);
        for (int max = 1; max <= 20; max++)
        {
            GenerationResult result = models.Wide.Generate(
                Request(Prompts[2], DraftingOptions.Of(LayerPlan.Full(Layers)) with { DraftLength = 16 }) with { MaxTokens = max });
            Assert.Equal(plain[..max], result.Tokens);
            Assert.Equal(FinishReason.Length, result.FinishReason);
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(65)]
    public void A_draft_length_out_of_range_is_refused(int length) => Assert.Throws<ArgumentException>(() =>
        models.Wide.Generate(Request(Prompts[0], DraftingOptions.Of(LayerPlan.Full(Layers)) with { DraftLength = length })));

    [Fact]
    public void A_round_that_ends_in_an_accepted_draft_token_counts_the_tokens_that_it_gave()
    {
        // " there" comes second in this text and is drafted and accepted: no bonus token follows a token that ends the text.
        GenerationRequest request = new() { Prompt = "Once upon a time", MaxTokens = NewTokens, StopTokens = [407], Drafting = DraftingOptions.EarlyExit(2) };
        int stopsInDraft = 0;
        foreach (string prompt in Prompts.Append("Once upon a time"))
        {
            GenerationResult result = models.Wide.Generate(request with { Prompt = prompt });
            DraftingStatistics drafting = result.Drafting;
            Assert.Equal(result.Tokens.Count - 1, drafting.OutputTokens);
            Assert.Equal(drafting.Rounds == 0 ? 1 : (result.Tokens.Count - 1.0) / drafting.Rounds, drafting.MeanAcceptanceLength);

            // Where the reader leaves after a token, what the rounds gave until then counts.
            using CancellationTokenSource cancellation = new();
            int told = 0;
            GenerationResult cut = models.Wide.Generate(
                request with { Prompt = prompt, StopTokens = [], IgnoreEndOfSequence = true },
                _ =>
                {
                    if (++told == 7)
                    {
                        cancellation.Cancel();
                    }
                },
                cancellation.Token);
            Assert.Equal(FinishReason.Cancelled, cut.FinishReason);
            Assert.Equal((cut.Tokens.Count - 1.0) / cut.Drafting.Rounds, cut.Drafting.MeanAcceptanceLength);
            stopsInDraft += result.FinishReason == FinishReason.Stop && drafting.Rounds > drafting.Corrections + drafting.BonusTokens ? 1 : 0;
        }

        Assert.True(stopsInDraft > 0, "No text ended within a draft, so this compared nothing.");
    }

    [Fact]
    public void Strategy_none_is_plain_decoding_whatever_else_is_set()
    {
        GenerationResult plain = models.Wide.Generate(Request(Prompts[0], null));
        foreach (DraftingOptions off in (DraftingOptions[])[DraftingOptions.None, DraftingOptions.EarlyExit(2) with { Strategy = "None" }])
        {
            GenerationResult result = models.Wide.Generate(Request(Prompts[0], off));
            Assert.Equal(plain.Tokens, result.Tokens);
            Assert.Equal(0, result.Drafting.Drafted);
        }
    }

    [Fact]
    public void A_strategy_by_name_drafts_as_its_plan_does()
    {
        foreach ((DraftingOptions named, LayerPlan plan) in ((DraftingOptions, LayerPlan)[])[
            (DraftingOptions.EarlyExit(3), LayerPlan.EarlyExit(Layers, 3)),
            (new DraftingOptions { Strategy = "Early-EXIT", ExitLayer = 3 }, LayerPlan.EarlyExit(Layers, 3)),
            (DraftingOptions.LayerSkip([5, 7], [6]), LayerPlan.LayerSkip(Layers, [5, 7], [6]))])
        {
            GenerationResult expected = models.Wide.Generate(Request(Prompts[0], DraftingOptions.Of(plan)));
            GenerationResult result = models.Wide.Generate(Request(Prompts[0], named));
            Assert.Equal(expected.Tokens, result.Tokens);
            Assert.Equal((expected.Drafting.Drafted, expected.Drafting.Accepted), (result.Drafting.Drafted, result.Drafting.Accepted));
        }
    }

    [Theory]
    [InlineData(-0.1f)]
    [InlineData(1.1f)]
    [InlineData(float.NaN)]
    public void A_threshold_that_is_no_probability_is_refused(float threshold) => Assert.Throws<ArgumentException>(() =>
        models.Wide.Generate(Request(Prompts[0], DraftingOptions.Of(LayerPlan.Full(Layers)) with { Threshold = threshold })));

    [Fact]
    public void A_plan_of_a_deeper_model_is_refused() => Assert.Throws<SpecDecodeException>(() =>
        models.Wide.Generate(Request(Prompts[0], DraftingOptions.Of(LayerPlan.EarlyExit(13, 13)))));

    private static GenerationRequest Request(string prompt, DraftingOptions? draft) =>
        new() { Prompt = prompt, MaxTokens = NewTokens, IgnoreEndOfSequence = true, Drafting = draft };

    private static DraftingOptions? Draft(int turn, int i) => (turn + i) % 6 == 5 ? null : DraftingOptions.Of(Plans[(turn * 5 + i * 7) % Plans.Length]) with
    {
        DraftLength = 1 + (turn * 3 + i * 5) % 16,
        Threshold = (turn + i) % 4 == 0 ? 0.5f : 0,
    };

    private int Compare(GenerationRequest[] requests, IReadOnlyList<GenerationResult> plain, int offset)
    {
        int parted = 0;
        IReadOnlyList<GenerationResult> drafted = models.Wide.Generate(requests);
        for (int i = 0; i < requests.Length; i++)
        {
            IReadOnlyList<int> expected = plain[(offset + i) % Prompts.Length].Tokens;
            if (!expected.SequenceEqual(drafted[i].Tokens))
            {
                parted++;
                models.AssertSameUpToNearTies(models.Wide.Tokenizer!.Encode(requests[i].Prompt!), expected, drafted[i].Tokens);
            }
        }

        return parted;
    }
}
