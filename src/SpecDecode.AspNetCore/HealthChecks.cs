using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using SpecDecode.Hosting;

namespace SpecDecode.AspNetCore;

/// <summary>Adds the checks of the host's models where the application has not added them itself.</summary>
internal sealed class HealthChecks(IServiceProvider services) : IPostConfigureOptions<HealthCheckServiceOptions>
{
    /// <inheritdoc/>
    public void PostConfigure(string? name, HealthCheckServiceOptions options)
    {
        if (services.GetService<IModelCatalog>() is null)
        {
            return;
        }

        Adding checks = new();
        checks.AddSpecDecode();
        foreach (HealthCheckRegistration check in checks.Registrations.Where(check => !options.Registrations.Any(there => there.Name == check.Name)))
        {
            options.Registrations.Add(check);
        }
    }

    private sealed class Adding : IHealthChecksBuilder
    {
        public List<HealthCheckRegistration> Registrations { get; } = [];

        public IServiceCollection Services { get; } = new ServiceCollection();

        public IHealthChecksBuilder Add(HealthCheckRegistration registration)
        {
            Registrations.Add(registration);
            return this;
        }
    }
}
