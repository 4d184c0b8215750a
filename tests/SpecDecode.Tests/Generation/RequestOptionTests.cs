using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Sampling;
using SpecDecode.Tests.Constraints;

#pragma warning disable xUnit1051 // Every call takes a second at most.

namespace SpecDecode.Tests.Generation;

/// <summary>What a request may ask for, with drafts on, on the real story model: the texts are those of plain decoding with the same request.</summary>
[Collection(nameof(TalesModels))]
public class RequestOptionTests(TalesModels models)
{
    private const int NewTokens = 100;

    private static readonly string[] Prompts =
    [
        "Once upon a time, there was a little bird who could not sing.", "Tom had a red ball.", "The dog saw a cat.",
        "Lily and her mom went to the market to buy apples.", "One day, a boy found a key under the big tree.",
        "There was a small boat on the lake.", "Mia liked to draw. She drew a house and", "\"Can I have a cake?\" asked Ben.",
    ];

    private static readonly DraftingOptions[] Drafts =
    [
        DraftingOptions.EarlyExit(2) with { DraftLength = 4 }, DraftingOptions.LayerSkip([4, 6, 8], [3, 5, 7, 9]) with { DraftLength = 3 },
        new() { Strategy = DraftingStrategy.Lookup }, new() { Strategy = DraftingStrategy.Auto },
        DraftingOptions.EarlyExit(4) with { DraftLength = 12, Threshold = 0.4f },
    ];

    // What each changes about a request, by number of the text.
    private static readonly (string Name, Func<GenerationRequest, int, GenerationRequest> Change)[] Features =
    [
        ("stop strings", (request, i) => request with { Stop = [(string[])["the", "ed ", ". ", "\n", "mom", "n't", "zz"] is var texts ? texts[i % 7] : "", "She said, \"No"], IncludeStop = i % 2 == 0, MinTokens = i % 3 * 9 }),
        ("stop tokens", (request, i) => request with { StopTokens = [407, 300 + i], MinTokens = i % 2 * 30 }),
        ("end of sequence", (request, i) => request with { IgnoreEndOfSequence = false, MinTokens = i % 2 * 80 }),
        ("repetition penalty", (request, i) => request with { Sampling = request.Sampling! with { RepetitionPenalty = 1.1f + 0.1f * i } }),
        ("window", (request, i) => request with { Sampling = request.Sampling! with { RepetitionPenalty = 1.4f, FrequencyPenalty = 0.3f, PenaltyWindow = 5 + i } }),
        ("frequency and presence penalty", (request, i) => request with { Sampling = request.Sampling! with { FrequencyPenalty = 0.2f * i, PresencePenalty = 0.5f } }),
        ("bias", (request, i) => request with { LogitBias = new Dictionary<int, float> { [259] = -3, [47] = i, [300 + i] = 4, [407] = float.NegativeInfinity } }),
        ("bans", (request, i) => request with { BannedTokens = [408, 288 + i], BannedPhrases = ["little girl", "was", "very happy"] }),
        ("log probabilities", (request, i) => request with { LogProbabilities = i % 4, PromptLogProbabilities = i % 3 }),
        ("top-n-sigma", (request, i) => request with { Sampling = new SamplingOptions { Temperature = 1.1f + 0.1f * i, TopNSigma = 0.5f + 0.25f * i, TopK = i % 3 * 10, Seed = 70 + i } }),
        ("constraints of one's own", (request, i) => request with { Constraints = [new SoftConstraint(i)] }),
    ];

    [Fact]
    public void Drafted_texts_are_those_of_plain_decoding_whatever_a_request_asks_for_alone_and_in_mixed_batches()
    {
        Dictionary<string, (int Tokens, int Parted, long Accepted)> seen = [];
        int wanted = TestScale.Cases(2_000, 20_000);
        bool Lacks(string name) => !seen.TryGetValue(name, out (int Tokens, int, long) at) || at.Tokens < wanted;

        // Some kinds of text end early, and take more turns.
        for (int turn = 0; Features.Any(feature => Lacks(feature.Name)); turn++)
        {
            Assert.InRange(turn, 0, wanted / 100);
            foreach ((string name, _) in Features.Where(feature => Lacks(feature.Name)))
            {
                // Alone, by every way to draft; then eight that ask for something else each.
                GenerationRequest request = Request(turn, Array.FindIndex(Features, feature => feature.Name == name));
                GenerationResult plain = models.Wide.Generate(request);
                foreach (DraftingOptions draft in Drafts)
                {
                    Compare(name, request with { Drafting = draft }, plain, models.Wide.Generate(request with { Drafting = draft }), seen);
                }
            }

            GenerationRequest[] batch = [.. Enumerable.Range(0, 8).Select(i => Request(turn * 8 + i, (turn + i) % Features.Length) with { Drafting = i % 6 == 5 ? null : Drafts[(turn + i) % Drafts.Length] })];
            IReadOnlyList<GenerationResult> together = models.Wide.Generate(batch);
            for (int i = 0; i < batch.Length; i++)
            {
                Compare(Features[(turn + i) % Features.Length].Name, batch[i], models.Wide.Generate(batch[i] with { Drafting = null }), together[i], seen);
            }
        }

        foreach ((string name, (int tokens, int parted, long accepted)) in seen)
        {
            TestContext.Current.SendDiagnosticMessage($"{name}: {tokens} tokens, {accepted} of them drafted, {parted} texts parted at a near-tie");
            Assert.True(accepted > 0, name);
        }

        Assert.Equal(Features.Length, seen.Count);
    }

    [Fact]
    public void Drafts_on_a_copy_of_lower_precision_change_no_text_either()
    {
        using TemporaryFolder cache = new();
        using TextModel model = PlainModel.Load(
            TestFolders.StoryModel, new ModelOptions { CacheFolder = cache.Path, DraftPrecision = Precision.Int4 }, new RuntimeOptions());
        for (int feature = 0; feature < Features.Length; feature++)
        {
            for (int turn = 0; turn < TestScale.Cases(2, 20); turn++)
            {
                GenerationRequest request = Request(turn, feature) with { Drafting = DraftingOptions.None };
                GenerationResult plain = model.Generate(request);
                GenerationResult drafted = model.Generate(request with { Drafting = new DraftingOptions { Strategy = DraftingStrategy.EarlyExit, ExitLayer = 12, DraftLength = 5 } });
                AssertSame(model, Features[feature].Name, request, plain, drafted);
                Assert.True(drafted.Drafting.Accepted > 0 || drafted.Tokens.Count < 3, Features[feature].Name);
            }
        }
    }

    [Fact]
    public void Log_probabilities_are_those_of_the_whole_model_at_their_places()
    {
        GenerationRequest request = new()
        {
            Prompt = Prompts[0], MaxTokens = 12, LogProbabilities = 3, PromptLogProbabilities = 2, Drafting = Drafts[0],
            LogitBias = new Dictionary<int, float> { [259] = 3 }, Sampling = new SamplingOptions { Temperature = 0.7f, Seed = 4, RepetitionPenalty = 1.2f },
        };
        GenerationResult result = models.Wide.Generate(request);
        int[] prompt = models.Wide.Tokenizer!.Encode(Prompts[0]);
        Assert.Equal((result.Tokens.Count, prompt.Length - 1), (result.LogProbabilities!.Count, result.PromptLogProbabilities!.Count));
        int[] all = [.. prompt, .. result.Tokens];
        for (int i = 1; i < all.Length; i++)
        {
            IReadOnlyList<float> logits = models.Wide.Evaluate(all[..i]).LastLogits;
            double total = Math.Log(logits.Sum(logit => Math.Exp(logit - logits.Max()))) + logits.Max();
            TokenLogProbability told = i < prompt.Length ? result.PromptLogProbabilities[i - 1] : result.LogProbabilities[i - prompt.Length];
            Assert.Equal(all[i], told.Token);
            Assert.Equal(logits[all[i]] - total, told.LogProbability, 1e-3);
            int[] best = [.. Enumerable.Range(0, logits.Count).OrderByDescending(token => logits[token]).Take(i < prompt.Length ? 2 : 3)];
            Assert.Equal(best, told.Top.Select(top => top.Token));
            Assert.All(told.Top, top => Assert.Equal(logits[top.Token] - total, top.LogProbability, 1e-3));
        }

        // Processed ones sum to one as well, over the temperature and behind bias and penalties.
        TokenLogProbability processed = models.Wide.Generate(request with { LogProbabilityKind = LogProbabilityKind.Processed, LogProbabilities = 20 }).LogProbabilities![0];
        Assert.InRange(processed.Top.Sum(top => Math.Exp(top.LogProbability)), 0.9, 1.0001);
        Assert.NotEqual(result.LogProbabilities[0].Top[0].LogProbability, processed.Top[0].LogProbability);
    }

    [Fact]
    public void Choices_are_the_texts_of_their_numbers_and_the_best_of_them_have_the_highest_mean()
    {
        SamplingOptions sampling = new() { Temperature = 1, Seed = 11 };
        GenerationRequest request = new() { Prompt = Prompts[1], MaxTokens = 30, Sampling = sampling, LogProbabilities = 0, Drafting = Drafts[0] };
        GenerationResult result = models.Wide.Generate(request with { Choices = 4 });
        Assert.Equal(4, result.Choices.Count);
        Assert.Equal(result.Tokens, result.Choices[0].Tokens);
        for (int i = 0; i < 4; i++)
        {
            GenerationResult alone = models.Wide.Generate(request with { Sampling = sampling with { ChoiceIndex = i } });
            Assert.Equal((alone.Text, i), (result.Choices[i].Text, result.Choices[i].Choice));
        }

        int[] byMean = [.. result.Choices.OrderByDescending(choice => choice.LogProbabilities!.Average(token => token.LogProbability)).Select(choice => choice.Choice)];
        GenerationResult best = models.Wide.Generate(request with { Choices = 2, BestOf = 4, LogProbabilities = null });
        Assert.Equal(byMean[..2], best.Choices.Select(choice => choice.Choice));
        Assert.Equal(byMean[0], models.Wide.Generate(request with { BestOf = 4, LogProbabilities = null }).Choice);

        Dictionary<int, string> streamed = [];
        GenerationResult last = models.Wide.Stream(
            request with { Choices = 4 }, update => streamed[update.Choice] = streamed.GetValueOrDefault(update.Choice) + update.Text);
        Assert.Equal(result.Choices.Select(choice => choice.Text), streamed.OrderBy(pair => pair.Key).Select(pair => pair.Value));
        Assert.Equal(result.Choices.Select(choice => choice.Text), last.Choices.Select(choice => choice.Text));
        Assert.Throws<ArgumentException>(() => models.Wide.Stream(request with { BestOf = 2 }, _ => { }));
        Assert.Throws<ArgumentException>(() => models.Wide.Generate([request with { Choices = 2 }], (_, _) => { }));
    }

    [Fact]
    public void A_stop_string_ends_the_text_before_it_and_says_which_it_was()
    {
        GenerationRequest request = new() { Prompt = "Once upon a time", MaxTokens = 80, Drafting = Drafts[0] };
        string whole = models.Wide.Generate(request).Text!;
        foreach (string stop in (string[])["girl", "l", "ly.", " lov", "e wo"])
        {
            int at = whole.IndexOf(stop, StringComparison.Ordinal);
            Assert.True(at >= 0, stop);
            GenerationResult result = models.Wide.Generate(request with { Stop = ["never written", stop] });
            Assert.Equal((whole[..at], stop, FinishReason.Stop), (result.Text, result.StopString, result.FinishReason));
            Assert.Null(result.StopToken);
            Assert.Equal(whole[..(at + stop.Length)], models.Wide.Generate(request with { Stop = [stop], IncludeStop = true }).Text);
            Assert.StartsWith(whole[..(at + stop.Length)], models.Wide.Tokenizer!.Decode([.. result.Tokens]), StringComparison.Ordinal);
        }
    }

    private static GenerationRequest Request(int turn, int feature)
    {
        SamplingOptions sampling = (turn + feature) % 3 == 0 ? SamplingOptions.Greedy : new SamplingOptions { Temperature = 0.9f, TopP = turn % 2 == 0 ? 0.9f : 1, Seed = 100 + turn };
        GenerationRequest request = new() { Prompt = Prompts[turn % Prompts.Length], MaxTokens = NewTokens, IgnoreEndOfSequence = true, Sampling = sampling };
        return Features[feature].Change(request, turn % 8);
    }

    private void Compare(
        string name, GenerationRequest request, GenerationResult plain, GenerationResult drafted, Dictionary<string, (int Tokens, int Parted, long Accepted)> seen)
    {
        (int tokens, int parted, long accepted) = seen.GetValueOrDefault(name);
        seen[name] = (tokens + drafted.Tokens.Count, parted + (AssertSame(models.Wide, name, request, plain, drafted) ? 0 : 1), accepted + drafted.Drafting.Accepted);
    }

    // Whether they are the same; where not, they part at a near-tie.
    private static bool AssertSame(TextModel model, string name, GenerationRequest request, GenerationResult plain, GenerationResult drafted)
    {
        int same = plain.Tokens.Zip(drafted.Tokens).TakeWhile(pair => pair.First == pair.Second).Count();
        if (same == plain.Tokens.Count && same == drafted.Tokens.Count)
        {
            Assert.Equal((plain.Text, plain.FinishReason, plain.StopString, plain.StopToken), (drafted.Text, drafted.FinishReason, drafted.StopString, drafted.StopToken));
            for (int i = 0; i < (plain.LogProbabilities?.Count ?? 0); i++)
            {
                Assert.Equal(plain.LogProbabilities![i].LogProbability, drafted.LogProbabilities![i].LogProbability, 1e-3f);
            }

            return true;
        }

        Assert.True(same < plain.Tokens.Count && same < drafted.Tokens.Count, $"{name}: one text ends after {same} tokens, the other does not.");
        double margin = model.MeasureChoiceMargin(request, [.. plain.Tokens.Take(same)]);
        TestContext.Current.SendDiagnosticMessage(FormattableString.Invariant($"{name}: parted at token {same} by a margin of {margin:e2}"));
        Assert.InRange(margin, 0, 1e-3);
        return false;
    }
}
