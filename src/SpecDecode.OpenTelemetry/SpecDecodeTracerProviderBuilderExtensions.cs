using SpecDecode.Diagnostics;

namespace OpenTelemetry.Trace;

/// <summary>Adds SpecDecode's spans to OpenTelemetry.</summary>
public static class SpecDecodeTracerProviderBuilderExtensions
{
    /// <summary>Collects a span for each request, under the span of whoever made it.</summary>
    /// <param name="builder">The tracer provider's builder.</param>
    /// <returns>The builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static TracerProviderBuilder AddSpecDecodeInstrumentation(this TracerProviderBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddSource(SpecDecodeTelemetry.ActivitySourceName);
    }
}
