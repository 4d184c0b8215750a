using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SpecDecode.Generation;

namespace SpecDecode.Hosting;

/// <summary>Puts models into a host by dependency injection.</summary>
public static class SpecDecodeRegistration
{
    /// <summary>The section that is read where none is named.</summary>
    public const string DefaultSection = "SpecDecode";

    /// <summary>Tag of the health check that says whether the process should be restarted.</summary>
    public const string LiveTag = "live";

    /// <summary>Tag of the health check that says whether requests are answered.</summary>
    public const string ReadyTag = "ready";

    /// <summary>
    /// Adds a model: an <see cref="ITextGenerator"/> singleton, and a hosted service that loads it when the host starts. Options are
    /// checked at the start; each mistake is a sentence.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="section">The section with the model's options, such as <c>configuration.GetSection("SpecDecode")</c>.</param>
    /// <param name="name">A name for a further model, which makes the generator a keyed service; null for the one without.</param>
    /// <returns>The services.</returns>
    /// <exception cref="InvalidOperationException">There is a model of that name already.</exception>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public static IServiceCollection AddSpecDecode(this IServiceCollection services, IConfiguration section, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(section);
        CheckName(name);
        string place = section is IConfigurationSection { Path: var path } ? path + ":" : "";

        AddModel(services, new ModelRegistration(name ?? "", place, section));
        return services;
    }

    /// <summary>Adds a model whose options are set in code.</summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Sets the options.</param>
    /// <param name="name">A name for a further model, which makes the generator a keyed service; null for the one without.</param>
    /// <inheritdoc cref="AddSpecDecode(IServiceCollection, IConfiguration, string?)" path="/summary|/returns|/exception"/>
    public static IServiceCollection AddSpecDecode(this IServiceCollection services, Action<SpecDecodeOptions> configure, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        CheckName(name);
        AddModel(services, new ModelRegistration(name ?? "", name is null ? "" : $"Model '{name}', ", null)).Configure(configure);
        return services;
    }

    /// <summary>Adds a model with the options of a section of the host's configuration.</summary>
    /// <param name="builder">The host's builder.</param>
    /// <param name="section">The section's name; by default <c>SpecDecode</c>.</param>
    /// <param name="name">A name for a further model, which makes the generator a keyed service; null for the one without.</param>
    /// <returns>The builder.</returns>
    /// <exception cref="InvalidOperationException">There is a model of that name already.</exception>
    public static IHostApplicationBuilder AddSpecDecode(this IHostApplicationBuilder builder, string section = DefaultSection, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSpecDecode(builder.Configuration.GetSection(section), name);
        return builder;
    }

    /// <summary>Adds a model whose options are set in code.</summary>
    /// <param name="builder">The host's builder.</param>
    /// <param name="configure">Sets the options.</param>
    /// <param name="name">A name for a further model, which makes the generator a keyed service; null for the one without.</param>
    /// <returns>The builder.</returns>
    /// <exception cref="InvalidOperationException">There is a model of that name already.</exception>
    public static IHostApplicationBuilder AddSpecDecode(this IHostApplicationBuilder builder, Action<SpecDecodeOptions> configure, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSpecDecode(configure, name);
        return builder;
    }

    /// <summary>
    /// Adds two health checks: one with the tag <see cref="LiveTag"/>, which fails when an engine has failed or no model answers and none is coming, and one with
    /// the tag <see cref="ReadyTag"/>, which passes from the end of the warm-up until the host stops. They tell of each model, in words and
    /// in their data. A model that was loaded while the host ran and does not answer makes the host degraded, and not unhealthy.
    /// </summary>
    /// <param name="builder">The health checks' builder.</param>
    /// <param name="name">A model's key, for checks of that one alone; null for all models of the host.</param>
    /// <returns>The builder.</returns>
    public static IHealthChecksBuilder AddSpecDecode(this IHealthChecksBuilder builder, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        string prefix = name is null ? "specdecode" : $"specdecode-{name}";
        foreach ((string tag, bool readiness) in (ReadOnlySpan<(string, bool)>)[(LiveTag, false), (ReadyTag, true)])
        {
            builder.Add(new HealthCheckRegistration(
                $"{prefix}-{tag}", provider => new SpecDecodeHealthCheck(HostsOf(provider, name), readiness), null, [tag]));
        }

        return builder;
    }

    private static void CheckName(string? name)
    {
        if (name is "")
        {
            throw new ArgumentException("The name of a model is empty: give null for the one without a name, or a name.", nameof(name));
        }
    }

    private static OptionsBuilder<SpecDecodeOptions> AddModel(IServiceCollection services, ModelRegistration registration)
    {
        string key = registration.Key;
        ModelRegistration[] others = [.. services.Select(service => service.ImplementationInstance).OfType<ModelRegistration>()];
        if (others.Any(other => string.Equals(other.Key, key, StringComparison.OrdinalIgnoreCase)))
        {
            throw new InvalidOperationException(
                key.Length == 0 ? "There is a model without a name already: give this one a name." : $"There is a model of the name '{key}' already: give this one another.");
        }

        if (others.Length == 0)
        {
            AddCatalog(services);
        }

        services.AddSingleton(registration);
        return services.AddOptionsWithValidateOnStart<SpecDecodeOptions>(key);
    }

    // What all models of a host share, once.
    private static void AddCatalog(IServiceCollection services)
    {
        services.AddMetrics();
        services.AddLogging();
        services.AddOptions();

        // Without the section's change token: options are read again by the watch, which tells of mistakes, and not by the monitor, which
        // would throw them at whoever changed the configuration.
        services.AddSingleton<OptionsSource>();
        services.AddSingleton<IConfigureOptions<SpecDecodeOptions>>(provider => provider.GetRequiredService<OptionsSource>());
        services.AddSingleton<IPostConfigureOptions<SpecDecodeOptions>>(provider => provider.GetRequiredService<OptionsSource>());
        services.AddSingleton<IValidateOptions<SpecDecodeOptions>>(provider => provider.GetRequiredService<OptionsSource>());
        services.AddSingleton(MakeCatalog);
        services.AddSingleton<IModelCatalog>(provider => provider.GetRequiredService<ModelCatalog>());
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<ModelCatalog>());
        services.AddSingleton(provider => provider.GetRequiredService<ModelCatalog>().GetGenerator(""));

        // By any key: which models there are is known when the configuration is read.
        services.AddKeyedSingleton(KeyedService.AnyKey, (provider, key) => key is string name and not ""
            ? provider.GetRequiredService<ModelCatalog>().GetGenerator(name)
            : throw new ModelNotFoundException($"Models are asked for by a text as key, not by {key ?? "null"}."));
    }

    private static ModelCatalog MakeCatalog(IServiceProvider provider)
    {
        OptionsSource options = provider.GetRequiredService<OptionsSource>();
        IMeterFactory meters = provider.GetRequiredService<IMeterFactory>();
        ConcurrentDictionary<string, Lazy<ModelTelemetry>> telemetry = new(StringComparer.Ordinal);
        return new ModelCatalog(
            new ModelHostServices(
                options,
                (key, inCode) => options.Section(key) is { } section
                    ? new ConfigurationWatch(section, () => options.Read(key, inCode), new ConfigurationFiles(provider.GetService<IConfiguration>()))
                    : null,
                new ModelNames(),
                name => telemetry.GetOrAdd(name, name => new Lazy<ModelTelemetry>(() => new ModelTelemetry(meters, name))).Value,
                provider.GetRequiredService<ILogger<ModelHost>>(),
                OptionsSource.ContentRoot(provider),
                provider.GetService<TimeProvider>() ?? TimeProvider.System),
            provider.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout);
    }

    private static Func<IReadOnlyList<ModelHost>> HostsOf(IServiceProvider provider, string? name)
    {
        ModelCatalog? catalog = provider.GetService<ModelCatalog>();
        return catalog is null || (name is not null && catalog.Find(name) is null)
            ? throw new InvalidOperationException(
                $"There is a health check of {(name is null ? "the models" : $"a model of the name '{name}'")}, but no such model: add it with services.AddSpecDecode.")
            : name is null ? () => catalog.Hosts : () => [catalog.Require(name)];
    }
}
