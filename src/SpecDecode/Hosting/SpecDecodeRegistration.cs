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
        string optionsName = name ?? Options.DefaultName;
        string place = section is IConfigurationSection { Path: var path } ? path + ":" : "";

        // Without the section's change token: options are read again by the watch, which tells of mistakes, and not by the monitor, which
        // would throw them at whoever changed the configuration.
        AddModel(services, name, place, provider => new ConfigurationWatch(optionsName, section, provider.GetRequiredService<IOptionsFactory<SpecDecodeOptions>>()))
            .Configure(options => Bind(section, optionsName, options));
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
        AddModel(services, name, name is null ? "" : $"Model '{name}', ", watch: null).Configure(configure);
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
    /// Adds two health checks of a model: one with the tag <see cref="LiveTag"/>, which fails when only a new start helps, and one with
    /// the tag <see cref="ReadyTag"/>, which passes from the end of the warm-up until the host stops.
    /// </summary>
    /// <param name="builder">The health checks' builder.</param>
    /// <param name="name">The model's name; null for the one without.</param>
    /// <returns>The builder.</returns>
    public static IHealthChecksBuilder AddSpecDecode(this IHealthChecksBuilder builder, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        string prefix = name is null ? "specdecode" : $"specdecode-{name}";
        foreach ((string tag, bool readiness) in (ReadOnlySpan<(string, bool)>)[(LiveTag, false), (ReadyTag, true)])
        {
            builder.Add(new HealthCheckRegistration(
                $"{prefix}-{tag}", provider => new SpecDecodeHealthCheck(HostOf(provider, name), readiness), null, [tag]));
        }

        return builder;
    }

    private static OptionsBuilder<SpecDecodeOptions> AddModel(
        IServiceCollection services, string? name, string place, Func<IServiceProvider, ConfigurationWatch>? watch)
    {
        if (name is "")
        {
            throw new ArgumentException("The name of a model is empty: give null for the one without a name, or a name.", nameof(name));
        }

        ModelKey key = Key(name);
        if (services.Any(service => service.ServiceType == typeof(ModelHost) && Equals(service.ServiceKey, key)))
        {
            throw new InvalidOperationException(
                name is null ? "There is a model without a name already: give this one a name." : $"There is a model of the name '{name}' already: give this one another.");
        }

        services.AddMetrics();
        services.AddLogging();
        services.AddSingleton<IValidateOptions<SpecDecodeOptions>>(new ModelOptionsRules(name ?? Options.DefaultName, place));
        services.AddKeyedSingleton(key, (provider, _) => new ModelHost(
            name ?? Options.DefaultName, place, provider.GetRequiredService<IOptionsMonitor<SpecDecodeOptions>>(), watch?.Invoke(provider),
            provider.GetRequiredService<IMeterFactory>(), provider.GetRequiredService<ILogger<ModelHost>>(),
            provider.GetService<IHostEnvironment>()?.ContentRootPath ?? Directory.GetCurrentDirectory()));
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredKeyedService<ModelHost>(key));
        if (name is null)
        {
            services.AddSingleton<ITextGenerator>(provider => new HostedTextGenerator(provider.GetRequiredKeyedService<ModelHost>(key)));
        }
        else
        {
            services.AddKeyedSingleton<ITextGenerator>(name, (provider, _) => new HostedTextGenerator(provider.GetRequiredKeyedService<ModelHost>(key)));
        }

        return services.AddOptionsWithValidateOnStart<SpecDecodeOptions>(name ?? Options.DefaultName);
    }

    private static void Bind(IConfiguration section, string optionsName, SpecDecodeOptions options)
    {
        string[] errors = [.. ConfigurationShape.FindErrors(section)];
        if (errors.Length > 0)
        {
            throw new OptionsValidationException(optionsName, typeof(SpecDecodeOptions), errors);
        }

        ConfigurationShape.Normalized(section).Bind(options);
    }

    private static ModelHost HostOf(IServiceProvider provider, string? name) => provider.GetKeyedService<ModelHost>(Key(name))
        ?? throw new InvalidOperationException(
            $"There is a health check of a model {(name is null ? "without a name" : $"of the name '{name}'")}, but no such model: add it with services.AddSpecDecode.");

    // Model hosts are keyed by a type of ours, so that no service key of the application's is taken.
    private static ModelKey Key(string? name) => new(name);

    private sealed record ModelKey(string? Name);
}
