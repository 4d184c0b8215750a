using SpecDecode.Diagnostics;

namespace OpenTelemetry.Metrics;

/// <summary>Adds SpecDecode's metrics to OpenTelemetry.</summary>
public static class SpecDecodeMeterProviderBuilderExtensions
{
    /// <summary>
    /// Collects the instruments of all models of the process: the counters, histograms and gauges that docs/telemetry.md of the
    /// project lists. Costs nothing in a process that adds no model.
    /// </summary>
    /// <param name="builder">The meter provider's builder.</param>
    /// <returns>The builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static MeterProviderBuilder AddSpecDecodeInstrumentation(this MeterProviderBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddMeter(SpecDecodeTelemetry.MeterName);
    }
}
