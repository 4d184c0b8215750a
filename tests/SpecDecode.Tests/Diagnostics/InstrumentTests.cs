using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using SpecDecode.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Hosting;
using SpecDecode.Sampling;
using SpecDecode.Scheduling;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.Diagnostics;

/// <summary>What single instruments say, where the sums of requests do not tell.</summary>
[Collection(Alone.Name)]
public sealed class InstrumentTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(4, 0, 1, 7.5, 6)]
    [InlineData(4, 0, 4, 0, 0)]
    [InlineData(4, 4, 1, 0, 6)]
    [InlineData(0, 0, 0, 10, 0)]
    [InlineData(4, 2, 2, 10, 4)]
    public void Wasted_time_is_the_share_of_the_tokens_that_did_not_become_output(int drafted, int lookedUp, int accepted, double ofDrafter, double ofVerifier)
    {
        using Collector collector = new();
        using ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        SpecDecodeMetrics metrics = new(services.GetRequiredService<IMeterFactory>(), "waste", () => null, () => null, []);
        metrics.OnRound(new RoundRecord
        {
            Drafted = drafted, LookedUp = lookedUp, Evaluated = Math.Min(drafted, accepted + 1), Accepted = accepted, Appended = accepted + 1, VerifierToken = TokenSource.Correction,
            DraftRows = drafted, VerifyRows = drafted + 1, DraftTime = TimeSpan.FromSeconds(10), VerifyTime = TimeSpan.FromSeconds(2 * (drafted + 1)),
        });
        MetricReadings readings = collector.Read();
        Assert.Equal(ofDrafter, readings.Seconds("specdecode.draft.wasted_time", ("specdecode.pass", "draft")), 6);
        Assert.Equal(ofVerifier, readings.Seconds("specdecode.draft.wasted_time", ("specdecode.pass", "verify")), 6);
        Assert.Equal(drafted == 0 ? 1 : 0, readings.Sum("specdecode.rounds.plain"));
    }

    [Fact]
    public async Task Requests_are_told_apart_by_how_they_draft_and_how_their_tokens_are_chosen()
    {
        await using HostedStory story = await HostedStory.StartAsync();
        GenerationRequest request = new() { Prompt = "Once upon a time", MaxTokens = 25 };
        GenerationResult greedy = await story.Generator.CompleteAsync(request, Cancellation);
        GenerationResult sampled = await story.Generator.CompleteAsync(request with { Sampling = new SamplingOptions { Temperature = 0.7f, Seed = 3, Acceptance = AcceptanceRule.Rejection } }, Cancellation);
        GenerationResult plain = await story.Generator.CompleteAsync(request with { Drafting = DraftingOptions.None }, Cancellation);
        MetricReadings readings = story.Collector.Read();
        foreach ((string strategy, string rule, GenerationResult result) in ((string, string, GenerationResult)[])[("early-exit", "greedy", greedy), ("early-exit", "rejection", sampled), ("none", "greedy", plain)])
        {
            long Sum(string name) => readings.Sum($"specdecode.requests.{name}", ("specdecode.draft.strategy", strategy), ("specdecode.acceptance.rule", rule));
            Assert.Equal(
                (result.Drafting.Rounds, result.Drafting.OutputTokens, result.Drafting.Drafted, result.Drafting.Accepted),
                (Sum("rounds"), Sum("output_tokens"), Sum("drafted_tokens"), Sum("accepted_tokens")));
        }

        Assert.True(greedy.Drafting.Accepted > 0 && sampled.Drafting.Drafted > 0);
        Assert.Equal(readings.Sum("specdecode.draft.drafted_tokens"), readings.Sum("specdecode.requests.drafted_tokens"));
        Assert.Equal(readings.Sum("specdecode.rounds"), readings.Sum("specdecode.requests.rounds"));

        // Plain rounds and drafts together are all rounds, and each draft has its length.
        Assert.Equal(readings.Sum("specdecode.rounds"), readings.Sum("specdecode.rounds.plain") + readings.Sum("specdecode.draft.rounds"));
        Assert.Equal(plain.Drafting.Rounds, readings.Sum("specdecode.rounds.plain", ("specdecode.draft.reason", "disabled")));
        Assert.Equal(readings.Sum("specdecode.draft.rounds"), readings.Count("specdecode.draft.drafted_length"));
        Assert.Equal(readings.Sum("specdecode.draft.drafted_tokens"), readings.Total("specdecode.draft.drafted_length"));
        Assert.Equal(greedy.Drafting.DraftRows + sampled.Drafting.DraftRows, readings.Sum("specdecode.draft.pass_rows"));

        // One request at a time, so a row in each pass.
        Assert.Equal(readings.Sum("specdecode.draft.pass_rows"), readings.Sum("specdecode.draft.passes"));
        Assert.Equal(readings.Count("specdecode.step.duration"), readings.Count("specdecode.verify.rows"));
    }

    [Fact]
    public async Task The_speed_up_is_estimated_from_plain_steps_and_is_one_where_nobody_drafts()
    {
        await using HostedStory story = await HostedStory.StartAsync();
        GenerationRequest request = new() { Prompt = "Once upon a time", MaxTokens = 40, IgnoreEndOfSequence = true };
        await story.Generator.CompleteAsync(request with { Drafting = DraftingOptions.None }, Cancellation);
        MetricReadings plain = story.Collector.Read();
        Assert.True(plain.Seconds("specdecode.speedup.step_time") > 0);
        Assert.Equal(plain.Seconds("specdecode.speedup.step_time"), plain.Seconds("specdecode.speedup.plain_time"), 9);
        await story.Generator.CompleteAsync(request, Cancellation);
        MetricReadings both = story.Collector.Read();
        Assert.True(both.Seconds("specdecode.speedup.plain_time") > plain.Seconds("specdecode.speedup.plain_time"));
        Assert.NotEqual(both.Seconds("specdecode.speedup.step_time"), both.Seconds("specdecode.speedup.plain_time"));

        // Steps that read a prompt are left out of both.
        Assert.True(both.Seconds("specdecode.speedup.step_time") < both.Total("specdecode.step.duration"));
        Assert.InRange(both.Seconds("specdecode.engine.time", ("specdecode.engine.activity", "step")), both.Total("specdecode.step.duration"), double.MaxValue);
        Assert.True(both.Seconds("specdecode.engine.time", ("specdecode.engine.activity", "publish")) > 0);
        Assert.Equal(0, both.Seconds("specdecode.engine.time", ("specdecode.engine.activity", "search")));
    }

    [Fact]
    public async Task A_search_tells_how_far_it_is_in_metrics_and_in_the_catalog()
    {
        await using HostedStory story = await HostedStory.StartAsync(options => (options.Drafting.Strategy, options.Drafting.ExitLayer) = ("swift", null));
        Assert.Null(Assert.Single(story.Services.GetRequiredService<IModelCatalog>().Models).LayerSearch);
        Assert.DoesNotContain("specdecode.search.resting", story.Collector.Read().Names);
        for (int i = 0; i < 6; i++)
        {
            await story.Generator.CompleteAsync(new GenerationRequest { Prompt = "Once upon a time there was a dog", MaxTokens = 90, IgnoreEndOfSequence = true }, Cancellation);
        }

        MetricReadings readings = await story.Collector.ReadUntil(now => now.Sum("specdecode.search.tried") >= 3);
        long tried = Assert.Single(story.Services.GetRequiredService<IModelCatalog>().Models).LayerSearch!.Tried;
        Assert.InRange(readings.Sum("specdecode.search.tried"), 3, tried);
        Assert.True(readings.Seconds("specdecode.engine.time", ("specdecode.engine.activity", "search")) > 0);
        Assert.Contains(readings.Gauge("specdecode.search.resting"), new double[] { 0, 1 });
    }

    [Fact]
    public async Task A_model_that_serves_is_ready_and_says_what_its_loading_took()
    {
        await using HostedStory story = await HostedStory.StartAsync();
        MetricReadings readings = story.Collector.Read();
        Assert.Equal(1, readings.Gauge("specdecode.model.ready"));
        Assert.Equal(
            ["checking_weights", "creating_stages", "other", "preparing_weights", "waiting", "warming_up"],
            readings.Values("specdecode.model.load.duration", "specdecode.model.load.phase").Cast<string>().Order(StringComparer.Ordinal));
        double Took(string phase) => readings.GaugeOf("specdecode.model.load.duration", ("specdecode.model.load.phase", phase));
        Assert.True(Took("warming_up") > 0 && Took("creating_stages") > 0 && Took("other") > 0);
        await story.Services.GetRequiredService<IModelCatalog>().UnloadAsync("", Cancellation);
        Assert.Equal(0, story.Collector.Read().Gauge("specdecode.model.ready"));
    }

    [Fact]
    public async Task Memory_that_is_written_is_told_beside_what_is_reserved()
    {
        using Collector collector = new();
        using ScriptedEngine engine = new(metrics => metrics, maxSequences: 1);
        using ManualResetEventSlim isHeld = new();
        using ManualResetEventSlim release = new();
        engine.Stages.DuringCall = (pass, call) =>
        {
            if (pass == 6 && call == 0)
            {
                isHeld.Set();
                release.Wait(TimeSpan.FromSeconds(60), Cancellation);
            }
        };
        Task<GenerationResult> running = engine.Generator.CompleteAsync(ScriptedEngine.Request(100), Cancellation);
        Assert.True(isHeld.Wait(TimeSpan.FromSeconds(60), Cancellation));
        MetricReadings readings = collector.Read();

        // Five passes have run: the prompt of three tokens, and four tokens behind it, of 103.
        Assert.Equal(engine.Stages.Pages.BytesOf(7), readings.Sum("specdecode.kv_cache.used"));
        Assert.Equal(engine.Stages.Pages.BytesOf(103), readings.Sum("specdecode.kv_cache.reserved"));
        release.Set();
        await running.WaitAsync(TimeSpan.FromSeconds(60), Cancellation);
        Assert.Equal(0, collector.Read().Sum("specdecode.kv_cache.used"));
    }

    [Fact]
    public void Plain_steps_teach_what_the_tokens_of_drafted_steps_would_have_taken()
    {
        PlainStepTime plain = new();
        StepRecord Step(int sequences, int rows, int drafted, int tokens, double milliseconds) => new()
        {
            Sequences = sequences, VerifyRows = rows, DraftRows = drafted, OutputTokens = tokens, Time = TimeSpan.FromMilliseconds(milliseconds),
        };
        Assert.Null(plain.Note(Step(1, 5, 4, 3, 20)));
        Assert.Equal(TimeSpan.FromMilliseconds(10), plain.Note(Step(1, 1, 0, 1, 10)));
        Assert.Equal(30, plain.Note(Step(1, 5, 4, 3, 20))!.Value.TotalMilliseconds, 0.001);

        // A plain step has some of the rows that were verified, and takes no longer than these.
        Assert.Equal(24, plain.Note(Step(1, 5, 4, 3, 20) with { DraftTime = TimeSpan.FromMilliseconds(12) })!.Value.TotalMilliseconds, 0.001);

        // Looked-up tokens cost no pass of the drafter, and are no plain step.
        Assert.Equal(20, plain.Note(Step(1, 4, 0, 2, 12))!.Value.TotalMilliseconds, 0.001);
        for (int i = 0; i < 5; i++)
        {
            plain.Note(Step(1, 1, 0, 1, 10));
            plain.Note(Step(4, 4, 0, 4, 16));
        }

        // Six tokens are one and a half plain steps of four sequences.
        Assert.Equal(24, plain.Note(Step(4, 12, 8, 6, 30))!.Value.TotalMilliseconds, 0.001);
        Assert.Null(plain.Note(Step(1, 9, 0, 1, 10) with { PromptRows = 9 }));
        Assert.Null(plain.Note(Step(1, 0, 0, 0, 0) with { FailedPasses = 1 }));
    }
}
