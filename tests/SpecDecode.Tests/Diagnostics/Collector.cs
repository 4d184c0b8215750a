using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace SpecDecode.Tests.Diagnostics;

/// <summary>OpenTelemetry as an application sets it up, with exporters that keep what they get.</summary>
internal sealed class Collector : IDisposable
{
    /// <summary>A caller's own source of spans.</summary>
    public static readonly ActivitySource Caller = new("Caller");

    private readonly List<MetricSnapshot> _snapshots = [];
    private readonly List<Activity> _spans = [];
    private readonly MeterProvider _metrics;
    private readonly TracerProvider _traces;

    public Collector()
    {
        _metrics = Sdk.CreateMeterProviderBuilder().AddSpecDecodeInstrumentation().SetExemplarFilter(ExemplarFilterType.TraceBased).AddInMemoryExporter(_snapshots).Build();
        _traces = Sdk.CreateTracerProviderBuilder().AddSpecDecodeInstrumentation().AddSource(Caller.Name).AddInMemoryExporter(_spans).Build();
    }

    public MetricReadings Read()
    {
        _snapshots.Clear();
        Assert.True(_metrics.ForceFlush());
        return new MetricReadings([.. _snapshots]);
    }

    /// <summary>Reads until something holds, since the engine learns of a caller that leaves at its next step.</summary>
    public async Task<MetricReadings> ReadUntil(Func<MetricReadings, bool> holds)
    {
        long start = Stopwatch.GetTimestamp();
        MetricReadings readings = Read();
        while (!holds(readings))
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(60), "It does not come to hold.");
            await Task.Delay(5, TestContext.Current.CancellationToken);
            readings = Read();
        }

        // Anew, since a collection reads one instrument after the other while the engine goes on.
        return Read();
    }

    /// <summary>The spans of requests that have ended, in the order in which they did.</summary>
    public Activity[] RequestSpans()
    {
        Assert.True(_traces.ForceFlush());
        return [.. _spans.ToArray().Where(span => span.Source.Name == "SpecDecode" && span.OperationName.StartsWith("text_completion", StringComparison.Ordinal))];
    }

    /// <summary>The spans of a request's phases, in the order in which they were.</summary>
    public Activity[] PhaseSpans(Activity request)
    {
        Assert.True(_traces.ForceFlush());
        return [.. _spans.ToArray().Where(span => span.Source.Name == "SpecDecode" && span.ParentSpanId == request.SpanId).OrderBy(span => span.StartTimeUtc)];
    }

    public void Dispose()
    {
        _metrics.Dispose();
        _traces.Dispose();
    }
}
