using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using SpecDecode.Diagnostics;

namespace SpecDecode.Benchmarks;

/// <summary>OpenTelemetry with metrics, exemplars and spans, collected each second, and exporters that throw it away.</summary>
internal sealed class TelemetryListening : IDisposable
{
    private readonly MeterProvider _metrics = Sdk.CreateMeterProviderBuilder().AddMeter(SpecDecodeTelemetry.MeterName).SetExemplarFilter(ExemplarFilterType.TraceBased)
        .AddReader(new PeriodicExportingMetricReader(new Away<Metric>(), exportIntervalMilliseconds: 1000)).Build();

    private readonly TracerProvider _traces = Sdk.CreateTracerProviderBuilder().AddSource(SpecDecodeTelemetry.ActivitySourceName)
        .AddProcessor(new BatchActivityExportProcessor(new Away<Activity>())).Build();

    /// <summary>Collects now.</summary>
    public void Collect() => _metrics.ForceFlush();

    public void Dispose()
    {
        _metrics.Dispose();
        _traces.Dispose();
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
