using SpecDecode.Drafting;
using SpecDecode.Models;
using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;

#pragma warning disable xUnit1051 // Every call takes a second at most.

namespace SpecDecode.Tests.Generation;

/// <summary>
/// With shared noise a seed's text is the same with speculation and without, alone and among others that come and go, over more
/// than 20,000 tokens of the real story model.
/// </summary>
[Collection(nameof(TalesModels))]
public class SharedNoiseTests(TalesModels models)
{
    private const int NewTokens = 100;
    private const int Layers = 12;
    private const double NearTie = 1e-3;

    private static readonly string[] Prompts =
    [
        "Once upon a time, there was a little bird who could not sing.", "Tom had a red ball.", "The dog saw a cat.",
        "Lily and her mom went to the market to buy apples.", "One day, a boy found a key under the big tree.",
        "There was a small boat on the lake.", "Mia liked to draw. She drew a house and", "\"Can I have a cake?\" asked Ben.",
    ];

    private static readonly SamplingOptions[] Samplings =
    [
        new() { Temperature = 1 }, new() { Temperature = 0.7f, TopK = 40 }, new() { Temperature = 0.9f, TopP = 0.9f }, new() { Temperature = 1.2f, MinP = 0.1f },
        new() { Temperature = 0.3f, TopP = 0.95f }, new() { Temperature = 1, TopK = 200, TopP = 0.8f }, new() { Temperature = 1.5f, TopK = 20, TopP = 0.95f, MinP = 0.02f },
        new() { Temperature = 0.6f, MinP = 0.05f }, new() { Temperature = 1.5f, TopNSigma = 1 }, new() { Temperature = 1, TopNSigma = 2, TopP = 0.9f },
    ];

    private static readonly LayerPlan[] Plans =
    [
        LayerPlan.EarlyExit(Layers, 2), LayerPlan.EarlyExit(Layers, 1), LayerPlan.EarlyExit(Layers, 5), LayerPlan.EarlyExit(Layers, 9),
        LayerPlan.LayerSkip(Layers, [4, 6, 8], [3, 5, 7, 9]), LayerPlan.LayerSkip(Layers, [], [5, 6, 7]), LayerPlan.LayerSkip(Layers, [1, 10], []), LayerPlan.Full(Layers),
    ];

    private readonly List<double> _margins = [];
    private int _tokens;
    private int _texts;

    [Fact]
    public void Texts_of_a_seed_are_the_same_drafted_and_plain_alone_and_among_others_that_come_and_go()
    {
        Text[] texts = [.. Enumerable.Range(0, 16).Select(i => new Text(
            models.Wide.Tokenizer!.Encode(Prompts[i % Prompts.Length]), Samplings[(i + i / 8 * 3) % Samplings.Length] with { Seed = i % 4 == 3 ? -i : 1000 + i, ChoiceIndex = i % 3 }))];
        using LoadedModel model = ModelLoader.Load(
            TestFolders.StoryModel, new ModelOptions { CacheFolder = TestFolders.WeightCache }, new RuntimeOptions(), _ => { }, null, default);
        foreach (Text text in texts)
        {
            text.Plain = Alone(model, text, draft: null);
        }

        for (int turn = 0; turn < 30; turn++)
        {
            Compare(texts[turn % texts.Length], Alone(model, texts[turn % texts.Length], Draft(turn)), complete: true);
        }

        foreach (int seed in (int[])[1, 2, 3, 4])
        {
            AmongOthers(model, texts, new Random(seed));
        }

        TestContext.Current.SendDiagnosticMessage(
            $"{_tokens} tokens of {_texts} texts compared, {_margins.Count} texts parted at near-ties{string.Concat(_margins.Select(margin => FormattableString.Invariant($", {margin:e2}")))}");
        Assert.True(_tokens >= 20_000, $"{_tokens} tokens");
        Assert.All(_margins, margin => Assert.InRange(margin, 0, NearTie));
    }

    [Fact]
    public void The_margin_of_a_choice_that_cannot_be_repeated_is_refused()
    {
        SamplingOptions unseeded = new() { Temperature = 1, Acceptance = AcceptanceRule.SharedNoise };
        Assert.Contains("seed", Assert.Throws<ArgumentException>(() => models.Wide.MeasureChoiceMargin([0], [], unseeded)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => models.Wide.MeasureChoiceMargin([0], [], new SamplingOptions { Temperature = 1, Acceptance = AcceptanceRule.Rejection, Seed = 1 }));
        Assert.Throws<ArgumentException>(() => models.Wide.MeasureChoiceMargin([0], [], unseeded with { Seed = 1, TopP = 2 }));
        Assert.InRange(models.Wide.MeasureChoiceMargin([0], [], unseeded with { Seed = 1 }), 0, 100);
    }

    // At most eight at once, prompts in small pieces; they come at any step, and some are cancelled on the way.
    private void AmongOthers(LoadedModel model, Text[] texts, Random random)
    {
        Scheduler scheduler = new(model.Stages, new SchedulerLimits(8, long.MaxValue, 7));
        List<(Text Text, Sequence Sequence)> all = [];
        for (int step = 0; all.Count < 48 || !scheduler.IsIdle; step++)
        {
            Assert.True(step < 20_000, "The texts do not end.");
            if (all.Count < 48 && scheduler.Waiting.Count == 0 && (scheduler.Live.Count < 6 || random.Next(4) == 0))
            {
                Text text = texts[random.Next(texts.Length)];
                all.Add((text, NewSequence(text, random.Next(5) == 0 ? null : Draft(random.Next(1000)))));
                scheduler.Add(all[^1].Sequence);
            }

            if (random.Next(80) == 0 && scheduler.Live.Count > 0)
            {
                scheduler.Live[random.Next(scheduler.Live.Count)].RequestCancellation();
            }

            scheduler.Step();
            Assert.Null(scheduler.PassError);
        }

        Assert.Contains(all, pair => pair.Sequence.FinishReason == FinishReason.Cancelled);
        foreach ((Text text, Sequence sequence) in all)
        {
            Compare(text, sequence.NewTokens.ToArray(), complete: sequence.FinishReason == FinishReason.Length);
        }
    }

    private static int[] Alone(LoadedModel model, Text text, DraftPlan? draft)
    {
        Scheduler scheduler = new(model.Stages, SchedulerLimits.None);
        Sequence sequence = NewSequence(text, draft);
        scheduler.Add(sequence);
        while (!scheduler.IsIdle)
        {
            scheduler.Step();
        }

        Assert.Equal(FinishReason.Length, sequence.FinishReason);
        return sequence.NewTokens.ToArray();
    }

    private static Sequence NewSequence(Text text, DraftPlan? draft) =>
        new(text.Prompt, NewTokens, new HashSet<int>(), null, draft, new Sampler(text.Sampling));

    private static DraftPlan Draft(int turn) => new()
    {
        Plan = Plans[turn % Plans.Length], Length = 1 + turn * 5 % 9, Threshold = turn % 3 == 0 ? 0.4f : 0,
    };

    private void Compare(Text text, int[] tokens, bool complete)
    {
        int same = text.Plain.Zip(tokens).TakeWhile(pair => pair.First == pair.Second).Count();
        _texts++;
        _tokens += same;
        Assert.True(!complete || tokens.Length == NewTokens);
        if (same < tokens.Length)
        {
            _margins.Add(models.Wide.MeasureChoiceMargin(text.Prompt, text.Plain[..same], text.Sampling));
        }
    }

    private sealed record Text(int[] Prompt, SamplingOptions Sampling)
    {
        public int[] Plain { get; set; } = [];
    }
}
