using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using SpecDecode.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Scheduling;
using SpecDecode.Tests.Hosting;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.Diagnostics;

/// <summary>Every counter is there with 0 before anything happens: Prometheus' rate does not see a series' step from nothing to its first value.</summary>
[Collection(Alone.Name)]
public sealed class FirstScrapeTests
{
    private static readonly string[] Reasons =
    [
        "specdecode.draft.reason=busy", "specdecode.draft.reason=disabled", "specdecode.draft.reason=drafted", "specdecode.draft.reason=failed",
        "specdecode.draft.reason=forced", "specdecode.draft.reason=no_room", "specdecode.draft.reason=not_worth_it", "specdecode.draft.reason=probing",
    ];

    // Of the defaults and of plain decoding.
    private static readonly string[] Kinds = [.. new[] { "greedy", "rejection", "shared-noise" }
        .SelectMany(rule => new[] { "early-exit", "none" }.Select(strategy => $"specdecode.acceptance.rule={rule} specdecode.draft.strategy={strategy}"))];

    // What is there only once a model was loaded, its search has begun, or its policy has chosen.
    private static readonly string[] Later = ["specdecode.model.load.duration", "specdecode.search.expected_speedup", "specdecode.search.resting", "specdecode.draft.choice"];

    // What a model that serves does not have.
    private const string OffLine = "specdecode.calibration.";

    private static readonly Dictionary<string, string[]> Labelled = new()
    {
        ["specdecode.draft.accepted_tokens"] = ["specdecode.draft.position=0", "specdecode.draft.position=1", "specdecode.draft.position=2", "specdecode.draft.position=3"],
        ["specdecode.draft.decisions"] = Reasons,
        ["specdecode.rounds.plain"] = Reasons,
        ["specdecode.draft.wasted_time"] = ["specdecode.pass=draft", "specdecode.pass=verify"],
        ["specdecode.engine.time"] = ["specdecode.engine.activity=publish", "specdecode.engine.activity=search", "specdecode.engine.activity=step"],
        ["specdecode.requests.rounds"] = Kinds,
        ["specdecode.requests.output_tokens"] = Kinds,
        ["specdecode.requests.drafted_tokens"] = Kinds,
        ["specdecode.requests.accepted_tokens"] = Kinds,
        ["specdecode.requests.ended"] =
        [
            "specdecode.finish_reason=cancelled", "specdecode.finish_reason=deadline", "specdecode.finish_reason=failed", "specdecode.finish_reason=length", "specdecode.finish_reason=shutdown",
            "specdecode.finish_reason=stop",
        ],
        ["specdecode.requests.refused"] =
        [
            "error.type=SpecDecode.Generation.QueueFullException", "error.type=SpecDecode.Generation.ShuttingDownException", "error.type=SpecDecode.SpecDecodeException",
        ],
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_model_that_is_ready_has_every_counter_at_zero_with_every_value_of_its_attributes()
    {
        await using HostedStory story = await HostedStory.StartAsync();
        AssertAllAtZero(story.Collector.Read());
    }

    [Fact]
    public async Task A_collector_that_comes_later_finds_the_same_and_one_that_comes_after_requests_what_they_gave()
    {
        await using HostedStory story = await HostedStory.StartAsync();
        using (Collector later = new())
        {
            AssertAllAtZero(later.Read());
        }

        GenerationResult result = await story.Generator.CompleteAsync(new GenerationRequest { Prompt = "Once upon a time", MaxTokens = 30 }, Cancellation);
        using Collector last = new();
        foreach (MetricReadings readings in (MetricReadings[])[story.Collector.Read(), last.Read()])
        {
            Assert.Equal(result.Tokens.Count, readings.Sum("specdecode.output_tokens"));
            Assert.Equal(result.Drafting.Accepted, readings.Sum("specdecode.draft.accepted_tokens"));
            Assert.Equal(1, readings.Sum("specdecode.requests.ended", ("specdecode.finish_reason", "length")));
            Assert.Equal(5, readings.Series("specdecode.requests.ended", HostedStory.ModelName).Values.Count(value => value == 0));
        }
    }

    [Fact]
    public async Task The_positions_are_those_of_the_draft_length_that_is_configured_and_none_of_them_goes_away()
    {
        using Collector collector = new();
        await using TestHost host = await TestHost.Started();
        string[] Positions() => [.. collector.Read().Series("specdecode.draft.accepted_tokens", "llama_base").Keys];
        Assert.Empty(Positions());
        host.Change(("Drafting:Strategy", "early-exit"), ("Drafting:ExitLayer", "2"), ("Drafting:DraftLength", "6"));
        Assert.Equal(6, Positions().Length);
        host.Change(("Drafting:DraftLength", "2"));
        Assert.Equal(6, Positions().Length);

        // A request may draft more than is configured.
        await host.Generator.CompleteAsync(TestHost.Request(40) with { Drafting = DraftingOptions.EarlyExit(4) with { DraftLength = 9 } }, Cancellation);
        Assert.Equal(9, Positions().Length);
    }

    [Fact]
    public void Two_models_of_a_host_have_every_series_of_their_own()
    {
        using Collector collector = new();
        using ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        IMeterFactory meters = services.GetRequiredService<IMeterFactory>();
        SpecDecodeMetrics first = Metrics("first");
        SpecDecodeMetrics second = Metrics("second");
        RoundRecord round = new()
        {
            Drafted = 2, Evaluated = 2, Accepted = 1, Appended = 2, VerifierToken = TokenSource.Correction, DraftRows = 2, VerifyRows = 3, DraftTime = default, VerifyTime = default,
        };
        first.OnRound(round);
        first.OnStep(new StepRecord { Sequences = 1, DraftRows = 2, VerifyRows = 3, OutputTokens = 2, PromptRows = 5, FailedPasses = 1 });
        first.OnRefused(new QueueFullException("There are too many."));
        second.OnRound(round);
        second.OnRound(round);

        MetricReadings readings = collector.Read();
        Assert.All(TelemetryPage.Metrics.Where(row => row.Type != "histogram" && !Later.Contains(row.Instrument) && !row.Instrument.StartsWith(OffLine, StringComparison.Ordinal)), row =>
        {
            SortedDictionary<string, long> one = readings.Series(row.Instrument, "first");
            Assert.NotEmpty(one);
            Assert.Equal(one.Keys, readings.Series(row.Instrument, "second").Keys);
            Assert.Equal(2, readings.Values(row.Instrument, "gen_ai.request.model").Length);
        });
        long Sum(string instrument, string model) => readings.Sum(instrument, ("gen_ai.request.model", model));
        Assert.Equal((1, 2), (Sum("specdecode.rounds", "first"), Sum("specdecode.rounds", "second")));
        Assert.Equal((2, 0), (Sum("specdecode.output_tokens", "first"), Sum("specdecode.output_tokens", "second")));
        Assert.Equal((1, 0), (Sum("specdecode.requests.refused", "first"), Sum("specdecode.requests.refused", "second")));
        Assert.Equal((1, 2), (readings.Count("specdecode.draft.accepted_length", ("gen_ai.request.model", "first")), readings.Count("specdecode.draft.accepted_length", ("gen_ai.request.model", "second"))));

        SpecDecodeMetrics Metrics(string name) => new(
            meters, name, () => null, () => new ModelSetup(Precision.Fp32, null, null, DraftingOptions.EarlyExit(1).Resolve(2, hasDraftWeights: false, "")), EngineLoop.Refusals);
    }

    [Fact]
    public async Task What_auto_thinks_is_there_from_the_start_and_is_told_by_steps_that_it_decides_about()
    {
        await using HostedStory story = await HostedStory.StartAsync(options => (options.Drafting.Strategy, options.Drafting.ExitLayer) = ("auto", null));
        (double Speedup, double Error) Read() => story.Collector.Read() is var readings
            ? (readings.Gauge("specdecode.draft.expected_speedup"), readings.Gauge("specdecode.draft.calibration_error")) : default;
        Assert.Equal((1, 0), Read());
        await story.Generator.CompleteAsync(new GenerationRequest { Prompt = "Once upon a time", MaxTokens = 80, Drafting = DraftingOptions.EarlyExit(2) }, Cancellation);
        Assert.Equal((1, 0), Read());
        await story.Generator.CompleteAsync(new GenerationRequest { Prompt = "Once upon a time", MaxTokens = 150 }, Cancellation);
        (double speedup, double error) = Read();
        Assert.InRange(speedup, 1, 20);
        Assert.InRange(error, 1e-6, 1);
    }

    [Fact]
    public void The_gauges_of_auto_say_what_they_were_told_last()
    {
        using Collector collector = new();
        using ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        SpecDecodeMetrics metrics = new(services.GetRequiredService<IMeterFactory>(), "only", () => null, () => null, EngineLoop.Refusals);
        metrics.OnChoice(new DraftChoice(true, null, 1.75, 0.25), TimeSpan.Zero);
        metrics.OnChoice(new DraftChoice(true, null, 1.5, 0.125), TimeSpan.Zero);
        MetricReadings readings = collector.Read();
        Assert.Equal(1.5, readings.Gauge("specdecode.draft.expected_speedup"));
        Assert.Equal(0.125, readings.Gauge("specdecode.draft.calibration_error"));
    }

    [Fact]
    public void The_plan_that_auto_prefers_is_one_and_those_before_it_are_zero_and_there_is_an_end_of_their_names()
    {
        using Collector collector = new();
        using ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        SpecDecodeMetrics metrics = new(services.GetRequiredService<IMeterFactory>(), "choosing", () => null, () => null, EngineLoop.Refusals);
        Assert.DoesNotContain("specdecode.draft.choice", collector.Read().Names);
        SortedDictionary<string, long> Told(DraftPlan? plan)
        {
            metrics.OnChoice(new DraftChoice(true, plan, 1.5, 0), TimeSpan.Zero);
            return collector.Read().Series("specdecode.draft.choice", "choosing");
        }

        DraftPlan Exit(int layer) => DraftingOptions.EarlyExit(layer).Resolve(100, hasDraftWeights: false, "")!;
        Assert.Equal([new("specdecode.draft.plan=none", 1)], Told(null));
        Assert.Equal([new("specdecode.draft.plan=exit layer 2", 1), new("specdecode.draft.plan=none", 0)], Told(Exit(2)));
        Assert.Equal([new("specdecode.draft.plan=exit layer 2", 0), new("specdecode.draft.plan=none", 1)], Told(null));
        for (int layer = 3; layer < 99; layer++)
        {
            Assert.Equal(1, Told(Exit(layer)).Values.Sum());
        }

        SortedDictionary<string, long> all = Told(Exit(99));
        Assert.Equal(33, all.Count);
        Assert.Equal(1, all["specdecode.draft.plan=other"]);
        Assert.Equal(1, Told(Exit(2))["specdecode.draft.plan=exit layer 2"]);
    }

    private static void AssertAllAtZero(MetricReadings readings)
    {
        string[] counters = [.. TelemetryPage.Metrics.Where(row => row.Type == "counter" && !row.Instrument.StartsWith(OffLine, StringComparison.Ordinal)).Select(row => row.Instrument)];
        Assert.True(counters.Length > 12);
        foreach (string counter in counters)
        {
            SortedDictionary<string, long> series = readings.Series(counter, HostedStory.ModelName);
            Assert.Equal((counter, string.Join('\n', Labelled.GetValueOrDefault(counter, [""]))), (counter, string.Join('\n', series.Keys)));
            Assert.All(series.Values, value => Assert.Equal(0, value));
        }
    }
}
