using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Service;

/// <summary>
/// Metrics and spans of the model and of the web server: scraped by Prometheus at /metrics, sent by OTLP (to where the variables
/// OTEL_EXPORTER_OTLP_* say), or both, as the section Telemetry says.
/// </summary>
internal static class Telemetry
{
    private const string Prometheus = "Telemetry:Prometheus";
    private const string Otlp = "Telemetry:Otlp";

    public static void AddTelemetry(this WebApplicationBuilder builder)
    {
        OpenTelemetryBuilder telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(builder.Environment.ApplicationName))
            .WithMetrics(metrics =>
            {
                metrics.AddSpecDecodeInstrumentation().AddMeter("Microsoft.AspNetCore.Hosting");
                if (builder.Configuration.GetValue<bool>(Prometheus))
                {
                    metrics.AddPrometheusExporter();
                }
            })
            .WithTracing(tracing => tracing.AddSpecDecodeInstrumentation().AddSource("Microsoft.AspNetCore"));
        if (builder.Configuration.GetValue<bool>(Otlp))
        {
            telemetry.UseOtlpExporter();
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
