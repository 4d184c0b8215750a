using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace SpecDecode.Hosting;

/// <summary>Whether a model answers. Alive: nothing is wrong that only a new start would mend. Ready: requests are answered.</summary>
internal sealed class SpecDecodeHealthCheck(ModelHost host, bool readiness) : IHealthCheck
{
    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        host.Fault is { } fault ? HealthCheckResult.Unhealthy($"The model has failed: {fault.Message}", fault)
        : !readiness || host.IsReady ? HealthCheckResult.Healthy()
        : HealthCheckResult.Unhealthy("The model is not ready: it is being loaded, or it stops."));
}
