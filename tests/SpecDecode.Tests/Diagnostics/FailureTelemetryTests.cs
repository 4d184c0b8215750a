using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using SpecDecode.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Hosting;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;
using SpecDecode.Tests.Scheduling;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.Diagnostics;

/// <summary>What is told when something goes wrong, and that nothing goes wrong by telling.</summary>
[Collection(Alone.Name)]
public sealed class FailureTelemetryTests
{
    private static readonly (string, object) Failed = ("specdecode.finish_reason", "failed");

    [Fact]
    public async Task A_request_that_fails_with_the_model_is_told_with_the_error_by_metrics_and_span()
    {
        using Collector collector = new();
        using ScriptedEngine engine = new(metrics => metrics);
        engine.Stages.DuringCall = (pass, call) =>
        {
            if (pass == 3)
            {
                throw new ScriptedFailureException();
            }
        };
        await Assert.ThrowsAsync<SpecDecodeException>(() => engine.Generator.CompleteAsync(ScriptedEngine.Request(9), TestContext.Current.CancellationToken));

        MetricReadings readings = collector.Read();
        (string, object) error = ("error.type", typeof(ScriptedFailureException).FullName!);
        Assert.Equal(1, readings.Count("gen_ai.server.request.duration", Failed, error));
        Assert.Equal(1, readings.Sum("specdecode.requests.ended", Failed));
        Assert.Equal(1, readings.Sum("specdecode.requests.ended"));
        Assert.Equal(0, readings.Count("gen_ai.server.time_to_first_token") + readings.Count("gen_ai.server.time_per_output_token"));
        Assert.Equal(1, readings.Sum("specdecode.failed_passes"));
        Assert.Equal(2, readings.Sum("specdecode.output_tokens"));
        Assert.Equal(1, readings.Sum("specdecode.rounds"));
        Assert.Equal(3, readings.Sum("specdecode.prompt_tokens"));
        Activity span = Assert.Single(collector.RequestSpans());
        Assert.Equal(ActivityStatusCode.Error, span.Status);
        Assert.Equal(error.Item2, span.GetTagItem("error.type"));
        Assert.Equal(new[] { "failed" }, span.GetTagItem("gen_ai.response.finish_reasons"));
        Assert.Equal(2, span.GetTagItem("gen_ai.usage.output_tokens"));
    }

    [Fact]
    public async Task Requests_that_end_with_the_engine_are_counted_and_gauges_are_back_at_zero()
    {
        using Collector collector = new();
        using ScriptedEngine engine = new(metrics => new BrokenObserver(metrics));
        await Assert.ThrowsAsync<SpecDecodeException>(() => engine.Generator.CompleteAsync(ScriptedEngine.Request(9), TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<SpecDecodeException>(() => engine.Generator.CompleteAsync(ScriptedEngine.Request(9), TestContext.Current.CancellationToken));

        MetricReadings readings = collector.Read();
        Assert.Equal(1, readings.Count("gen_ai.server.request.duration", Failed));
        Assert.Equal(1, readings.Sum("specdecode.requests.refused", ("error.type", typeof(SpecDecodeException).FullName!)));
        Assert.Contains("specdecode.sequences.live", readings.Names);
        Assert.Equal(0, readings.Sum("specdecode.sequences.live"));
        Assert.Equal(0, readings.Sum("specdecode.sequences.waiting"));
        Assert.Equal(0, readings.Sum("specdecode.kv_cache.reserved"));
        Assert.All(collector.RequestSpans(), span => Assert.Equal(ActivityStatusCode.Error, span.Status));
    }

    [Fact]
    public async Task A_listener_that_throws_costs_its_measurements_and_nothing_else()
    {
        using MeterListener listener = new();
        int thrown = 0;
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == SpecDecodeTelemetry.MeterName)
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<double>((_, _, _, _) =>
        {
            Interlocked.Increment(ref thrown);
            throw new InvalidOperationException("This listener was told to fail.");
        });
        listener.Start();
        EventLog log = new();
        using ScriptedEngine engine = new(metrics => new LoggingObserver(metrics, log, ScriptedEngine.Name));
        GenerationResult result = await engine.Generator.CompleteAsync(ScriptedEngine.Request(9), TestContext.Current.CancellationToken);

        Assert.Equal(9, result.Tokens.Count);
        Assert.True(thrown > 1);
        (int id, Exception? error) = Assert.Single(log.Events);
        Assert.Equal(13, id);
        Assert.IsType<InvalidOperationException>(error);
        Assert.Null(engine.Loop.Fault);

        // Whatever it threw at, everything is counted.
        Dictionary<string, long> counted = [];
        using MeterListener other = new();
        other.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Scope == engine.Meters && instrument is ObservableCounter<long>)
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        other.SetMeasurementEventCallback<long>((instrument, value, _, _) => counted[instrument.Name] = counted.GetValueOrDefault(instrument.Name) + value);
        other.Start();
        other.RecordObservableInstruments();
        Assert.Equal((9, 8, 1), (counted["specdecode.output_tokens"], counted["specdecode.rounds"], counted["specdecode.requests.ended"]));
    }

    private sealed class BrokenObserver(IEngineObserver inner) : IEngineObserver
    {
        public void OnStep(in StepRecord step) => throw new ScriptedFailureException();

        public void OnRound(in RoundRecord round) => inner.OnRound(round);

        public void OnEnded(Sequence sequence) => inner.OnEnded(sequence);

        public void OnPassFailed(Exception error) => inner.OnPassFailed(error);

        public void OnRefused(Exception error) => inner.OnRefused(error);
    }

    private sealed class EventLog : ILogger
    {
        public ConcurrentQueue<(int Id, Exception? Error)> Events { get; } = new();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Events.Enqueue((eventId.Id, exception));
    }
}
