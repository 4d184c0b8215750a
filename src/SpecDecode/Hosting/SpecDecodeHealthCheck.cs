using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace SpecDecode.Hosting;

/// <summary>
/// Whether models answer. Alive: no engine has failed, and something answers or may come to. Ready: requests are answered. A model that came at
/// run time and does not answer takes nothing away from the others: then a host is degraded, as it is while a queue is full or a draft policy fails.
/// </summary>
internal sealed class SpecDecodeHealthCheck(Func<IReadOnlyList<ModelHost>> hosts, bool readiness) : IHealthCheck
{
    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        IReadOnlyList<ModelHost> all = hosts();
        (ModelHost Host, ModelStatus Status)[] models = [.. all.Select(host => (host, host.Status))];
        Dictionary<string, object> data = new(StringComparer.Ordinal);
        foreach ((ModelHost host, ModelStatus status) in models)
        {
            data[host.Key.Length == 0 ? status.Name ?? "(unnamed)" : host.Key] = status.ToString();
        }

        bool answers = models.Any(model => model.Status.State is ModelState.Ready or ModelState.Loading);
        (ModelHost Host, ModelStatus Status)[] wrong = [.. models.Where(model => readiness ? !IsAsWanted(model.Host, model.Status.State) : IsForGood(model.Status, answers))];
        HealthStatus health = wrong.Length == 0 ? HealthStatus.Healthy
            : wrong.Any(model => !model.Host.CameLater || IsEngineFault(model.Status)) ? HealthStatus.Unhealthy
            : HealthStatus.Degraded;
        (ModelHost Host, ModelStatus Status)[] strained = readiness && wrong.Length == 0 ? [.. models.Where(model => Strain(model.Status) is not null)] : [];
        health = strained.Length > 0 ? HealthStatus.Degraded : health;
        string? description = wrong.Length > 0 ? string.Join("; ", wrong.Select(model => Sentence(model.Status)))
            : strained.Length > 0 ? string.Join("; ", strained.Select(model => $"{Who(model.Status)} {Strain(model.Status)}"))
            : readiness && models.Length > 1 ? string.Join("; ", models.Select(model => model.Status.ToString()))
            : null;

        // Without the exception, whose trace would be logged at every look; the log has it once.
        return Task.FromResult(new HealthCheckResult(health, description, exception: null, data));
    }

    // An engine does not come back by itself. A model that could not be loaded may be loaded rightly while others answer.
    private static bool IsForGood(ModelStatus status, bool othersAnswer) => IsEngineFault(status) || (status.State == ModelState.Failed && !othersAnswer);

    private static bool IsEngineFault(ModelStatus status) => status.State == ModelState.Failed && status.Model is not null;

    // What was unloaded, or was never asked for, is as somebody wants it.
    private static bool IsAsWanted(ModelHost host, ModelState state) => state switch
    {
        ModelState.Ready => true,
        ModelState.NotLoaded => host.WasUnloaded || host.CameLater,
        ModelState.Unloading => host.WasUnloaded,
        _ => false,
    };

    private static string Who(ModelStatus status) => (status.Name ?? status.Key) is { Length: > 0 } name ? $"The model {name}" : "The model";

    // What answers still, but not as it should.
    private static string? Strain(ModelStatus status) => status.State != ModelState.Ready ? null
        : status.IsQueueFull ? "has as many requests as it takes and refuses others"
        : status.DraftingFails ? "answers without drafts, since its draft policy fails"
        : null;

    private static string Sentence(ModelStatus status)
    {
        string who = Who(status);
        return status.State switch
        {
            ModelState.Failed => $"{who} has failed: {status.Error!.Message}",
            ModelState.Loading when status.Progress is { } progress => $"{who} is being loaded: {progress}",
            ModelState.Loading => $"{who} is being loaded",
            ModelState.Stopping => $"{who} is not ready: the host stops",
            ModelState.Unloading => $"{who} is being unloaded",
            _ => $"{who} is not loaded",
        };
    }
}
