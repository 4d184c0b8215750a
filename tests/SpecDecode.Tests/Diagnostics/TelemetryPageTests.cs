using System.Diagnostics.Metrics;
using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using SpecDecode.Calibration;
using SpecDecode.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Hosting;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;
using SpecDecode.Tests.Documentation;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.Diagnostics;

/// <summary>docs/telemetry.md says what there is, all of it and nothing else.</summary>
[Collection(Alone.Name)]
public sealed partial class TelemetryPageTests
{
    // SPECDECODE_WRITE_PAGES=1 writes the table of the code into the page, which is then to be looked at and committed.
    [Fact]
    public void The_table_of_metrics_is_the_one_of_the_code()
    {
        if (Environment.GetEnvironmentVariable("SPECDECODE_WRITE_PAGES") == "1")
        {
            TelemetryPage.Write(InstrumentTable.All);
        }

        Assert.Equal(
            InstrumentTable.All.Select(TelemetryPage.Row),
            TelemetryPage.Lines("instrument"));
    }

    [Fact]
    public void Attributes_have_few_values()
    {
        // Whatever else a request brings, its words are no attribute: only these are, each of which has a bounded number of values.
        string[] bounded =
        [
            "specdecode.draft.reason", "specdecode.draft.position", "specdecode.pass", "specdecode.engine.activity", "specdecode.finish_reason", "error.type", "specdecode.draft.strategy",
            "specdecode.acceptance.rule", "specdecode.model.load.phase", "specdecode.draft.plan", "specdecode.calibration.phase", "specdecode.calibration.method", "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.response.model",
        ];
        Assert.Empty(InstrumentTable.All.Where(row => row.Name != "specdecode.model.info").SelectMany(row => row.Attributes).Except(bounded));
    }

    [Fact]
    public void The_table_of_metrics_lists_the_instruments_that_exist_with_type_unit_attributes_and_meaning()
    {
        Dictionary<Instrument, SortedSet<string>> instruments = Listen();
        string[] expected = [.. instruments.Select(pair => string.Join(
            " | ", pair.Key.Name, Type(pair.Key), pair.Key.Unit, string.Join(", ", pair.Value.Where(key => key != "gen_ai.request.model")),
            pair.Key.Description)).Order(StringComparer.Ordinal)];
        string[] listed = [.. TelemetryPage.Metrics.Select(row => string.Join(
            " | ", row.Instrument, row.Type, row.Unit, string.Join(", ", row.Attributes.Order(StringComparer.Ordinal)), row.Meaning)).Order(StringComparer.Ordinal)];

        Assert.True(expected.Length > 20);
        Assert.Equal(expected, listed);
        Assert.All(instruments.Values, keys => Assert.Contains("gen_ai.request.model", keys));
    }

    [Fact]
    public void The_queries_name_metrics_of_the_table_alone()
    {
        HashSet<string> names = [.. TelemetryPage.Metrics.SelectMany(row => row.Type == "histogram"
            ? (string[])[$"{row.Prometheus}_bucket", $"{row.Prometheus}_sum", $"{row.Prometheus}_count"]
            : [row.Prometheus])];
        MarkdownBlock[] queries = [.. MarkdownBlocks.Of("promql")];
        Assert.True(queries.Length >= 7);
        string[] used = [.. queries.SelectMany(query => MetricName().Matches(Label().Replace(query.Text, ""))).Select(match => match.Value).Distinct()];
        Assert.True(used.Length >= 15);
        Assert.Empty(used.Except(names));
    }

    [Fact]
    public void The_queries_choose_and_group_by_labels_that_the_metrics_of_the_table_have()
    {
        // What Prometheus itself adds.
        HashSet<string> labels = ["le", "instance", .. TelemetryPage.Metrics.SelectMany(row => row.Attributes).Append("gen_ai.request.model").Select(name => name.Replace('.', '_'))];
        string[] used = [.. MarkdownBlocks.Of("promql").SelectMany(query => Label().Matches(query.Text))
            .SelectMany(match => match.Groups[1].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            .Select(label => label.Split('=', '!')[0]).Distinct()];
        Assert.True(used.Length >= 5);
        Assert.Empty(used.Except(labels));
    }

    // An alert that divides by nothing, or takes the rate of a series that begins with its first event, is silent when it matters.
    [Fact]
    public void The_queries_divide_by_what_is_there_from_the_start_or_one_histogram_by_another()
    {
        HashSet<string> begun = [.. TelemetryPage.Metrics.Where(row => row.Type != "histogram").Select(row => row.Prometheus)];
        string[] quotients = [.. MarkdownBlocks.Of("promql").SelectMany(query => query.Text.Split('\n')).Where(line => line.Contains(" / ", StringComparison.Ordinal))];
        Assert.True(quotients.Length >= 6);
        foreach (string[] sides in quotients.Select(line => line.Split(" / ")))
        {
            string numerator = MetricName().Match(Label().Replace(sides[0], "")).Value;
            string denominator = MetricName().Match(Label().Replace(sides[1], "")).Value;
            Assert.True(begun.Contains(denominator) || !begun.Contains(numerator), $"{denominator} may not be there yet.");
        }
    }

    [Fact]
    public void The_table_of_the_log_lists_the_messages_that_exist()
    {
        (int Id, string Level, string Message)[] messages = [.. typeof(Log).GetMethods(BindingFlags.Static | BindingFlags.Public)
            .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>())
            .OfType<LoggerMessageAttribute>()
            .Select(message => (message.EventId, message.Level.ToString(), message.Message))
            .OrderBy(message => message.EventId)];
        Assert.True(messages.Length >= 13);
        Assert.Equal(messages.Length, messages.Select(message => message.Id).Distinct().Count());
        Assert.Equal(messages, TelemetryPage.Log);
    }

    // Once the labels have been taken out, whose names look the same.
    [GeneratedRegex(@"\b(specdecode|gen_ai)_\w+")]
    private static partial Regex MetricName();

    [GeneratedRegex(@"(?:\bby \(|\bon\(|\bgroup_left\(|\{)([^)}]*)[)}]")]
    private static partial Regex Label();

    private static string Type(Instrument instrument) => instrument switch
    {
        ObservableCounter<long> or ObservableCounter<double> => "counter",
        Histogram<int> or Histogram<double> => "histogram",
        ObservableUpDownCounter<int> or ObservableUpDownCounter<long> or ObservableGauge<int> or ObservableGauge<double> => "gauge",
        _ => instrument.GetType().Name,
    };

    // Every instrument, with the attributes that its measurements had when everything was told that there is to tell.
    private static Dictionary<Instrument, SortedSet<string>> Listen()
    {
        Dictionary<Instrument, SortedSet<string>> attributes = [];
        void Note(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            foreach (KeyValuePair<string, object?> tag in tags)
            {
                attributes[instrument].Add(tag.Key);
            }
        }

        using ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        IMeterFactory meters = services.GetRequiredService<IMeterFactory>();
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, self) =>
        {
            // Calibrations have a meter of their own.
            if (instrument.Meter.Scope == meters || (instrument.Meter.Name == SpecDecodeTelemetry.MeterName && instrument.Name.StartsWith("specdecode.calibration.", StringComparison.Ordinal)))
            {
                attributes.Add(instrument, new SortedSet<string>(StringComparer.Ordinal));
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<int>((instrument, _, tags, _) => Note(instrument, tags));
        listener.SetMeasurementEventCallback<long>((instrument, _, tags, _) => Note(instrument, tags));
        listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) => Note(instrument, tags));
        listener.Start();

        using ScriptedEngine engine = new(metrics => metrics);
        EngineLoadStub load = new();
        DraftingOptions drafting = DraftingOptions.None;
        SpecDecodeMetrics metrics = new(
            meters, "page", () => load, () => new ModelSetup(Precision.Fp32, null, 2, new ModelDrafting(3, hasDraftWeights: false).Of(drafting, "")), EngineLoop.Refusals);
        metrics.OnRound(new RoundRecord
        {
            Drafted = 2, Evaluated = 2, Accepted = 1, Appended = 2, VerifierToken = TokenSource.Correction, DraftRows = 1, VerifyRows = 1, DraftTime = default, VerifyTime = default,
        });
        metrics.OnRound(new RoundRecord
        {
            Drafted = 1, Evaluated = 1, Accepted = 1, Appended = 2, VerifierToken = TokenSource.Bonus, DraftRows = 1, VerifyRows = 1, DraftTime = default, VerifyTime = default,
        });
        metrics.OnStep(new StepRecord { Sequences = 1, DraftRows = 1, VerifyRows = 1, OutputTokens = 1, PromptRows = 1, FailedPasses = 1 });
        metrics.OnRefused(new InvalidOperationException());
        metrics.OnChoice(new DraftChoice(true, null, 1, 0), TimeSpan.Zero);
        using CalibrationMetrics calibrations = new("page");
        using CalibrationMetrics.Watched calibration = calibrations.Follow(null);
        calibration.Report(new CalibrationProgress(CalibrationPhase.Searching, CalibrationOptions.AllMethods[0], 1, TimeSpan.Zero, 1.5));
        metrics.OnEnded(Ended(engine, failsAt: null));
        metrics.OnEnded(Ended(engine, failsAt: 4));
        DraftingOptions stop = DraftingOptions.EarlyExit(2) with { Policy = DraftingPolicy.ConfidenceStop };
        foreach (DraftingOptions options in (DraftingOptions[])[DraftingOptions.EarlyExit(2) with { CascadeExits = [1] }, DraftingOptions.LayerSkip([1], [2]), stop])
        {
            drafting = options;
            listener.RecordObservableInstruments();
        }

        return attributes;
    }

    private sealed class EngineLoadStub : IEngineLoad
    {
        public int LiveCount => 1;

        public int WaitingCount => 2;

        public bool IsReady => true;

        public long KvUsedBytes => 3;

        public long KvReservedBytes => 4;

        public long KvLimitBytes => 5;

        public EngineTimes Times => new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(3));

        public SearchProgress Search => new(true, 7, 2, 1.25, true);

        public IReadOnlyList<KeyValuePair<string, TimeSpan>> LoadTimes => [KeyValuePair.Create("warming_up", TimeSpan.FromSeconds(1))];
    }

    // One that has written several tokens, and all of them or then failed.
    private static Sequence Ended(ScriptedEngine engine, int? failsAt)
    {
        int first = 0;
        engine.Stages.DuringCall = (pass, _) =>
        {
            first = first == 0 ? pass : first;
            if (pass - first + 1 >= failsAt)
            {
                throw new InvalidOperationException();
            }
        };
        Scheduler scheduler = new(engine.Stages, SchedulerLimits.None);
        Sequence sequence = new([1], 9, new HashSet<int>(), null);
        scheduler.Add(sequence);
        while (!scheduler.IsIdle)
        {
            scheduler.Step();
        }

        Assert.Equal(failsAt is null ? FinishReason.Length : FinishReason.Failed, sequence.FinishReason);
        return sequence;
    }
}
