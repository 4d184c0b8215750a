using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using SpecDecode.Diagnostics;

namespace SpecDecode.Benchmarks;

/// <summary>
/// OpenTelemetry with metrics, exemplars and spans, and exporters that throw it away. It stays, so that what it has to make once for each series is not measured again and again; it
/// hears the instruments of one factory alone, and spans only while it is told to.
/// </summary>
internal sealed class TelemetryListening : IDisposable
{
    private readonly MeterProvider _metrics;
    private readonly TracerProvider _traces;
    private readonly SwitchedSampler _sampler = new();

    /// <summary>Begins to listen.</summary>
    /// <param name="meters">Who made the meters whose instruments are heard.</param>
    public TelemetryListening(object meters)
    {
        _metrics = Sdk.CreateMeterProviderBuilder().AddMeter(SpecDecodeTelemetry.MeterName).SetExemplarFilter(ExemplarFilterType.TraceBased)
            .AddView(instrument => ReferenceEquals(instrument.Meter.Scope, meters) ? null : MetricStreamConfiguration.Drop)
            .AddReader(new BaseExportingMetricReader(new Away<Metric>())).Build();
        _traces = Sdk.CreateTracerProviderBuilder().AddSource(SpecDecodeTelemetry.ActivitySourceName).SetSampler(_sampler)
            .AddProcessor(new BatchActivityExportProcessor(new Away<Activity>())).Build();
    }

    /// <summary>Whether requests that begin now have a span.</summary>
    public bool HearsSpans { get => _sampler.IsOn; set => _sampler.IsOn = value; }

    /// <summary>Collects now.</summary>
    public void Collect() => _metrics.ForceFlush();

    public void Dispose()
    {
        _metrics.Dispose();
        _traces.Dispose();
    }

    private sealed class SwitchedSampler : Sampler
    {
        public bool IsOn { get; set; }

        public override SamplingResult ShouldSample(in SamplingParameters samplingParameters) =>
            new(IsOn ? SamplingDecision.RecordAndSample : SamplingDecision.Drop);
    }

    private sealed class Away<T> : BaseExporter<T>
        where T : class
    {
        public override ExportResult Export(in Batch<T> batch)
        {
            foreach (T _ in batch)
            {
            }

            return ExportResult.Success;
        }
    }
}
