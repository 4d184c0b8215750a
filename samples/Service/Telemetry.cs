using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Service;

/// <summary>
/// Metrics and spans of the model and of the web server: scraped by Prometheus at /metrics, sent to a collector by OTLP (gRPC), or
/// both, as the section Telemetry says.
/// </summary>
internal static class Telemetry
{
    private const string Prometheus = "Telemetry:Prometheus";
    private const string OtlpEndpoint = "Telemetry:OtlpEndpoint";

    public static void AddTelemetry(this WebApplicationBuilder builder)
    {
        OpenTelemetryBuilder telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(builder.Environment.ApplicationName))
            .WithMetrics(metrics =>
            {
                // Measurements of a sampled request lead to its trace. System.Runtime has the process's memory and processor time.
                metrics.AddSpecDecodeInstrumentation().AddMeter("Microsoft.AspNetCore.Hosting", "System.Runtime").SetExemplarFilter(ExemplarFilterType.TraceBased);
                if (builder.Configuration.GetValue<bool>(Prometheus))
                {
                    metrics.AddPrometheusExporter();
                }
            })
            .WithTracing(tracing => tracing.AddSpecDecodeInstrumentation().AddSource("Microsoft.AspNetCore"));
        if (builder.Configuration[OtlpEndpoint] is { Length: > 0 } address)
        {
            // OpenTelemetry would overlook an address that is none.
            telemetry.UseOtlpExporter(OtlpExportProtocol.Grpc, Uri.TryCreate(address, UriKind.Absolute, out Uri? endpoint) && endpoint.Scheme is ("http" or "https")
                ? endpoint
                : throw new InvalidOperationException($"{OtlpEndpoint} is '{address}': give the address of a collector, such as http://localhost:4317."));
        }
    }

    public static void MapTelemetry(this WebApplication app)
    {
        if (app.Configuration.GetValue<bool>(Prometheus))
        {
            app.MapPrometheusScrapingEndpoint("/metrics");
        }
    }
}
