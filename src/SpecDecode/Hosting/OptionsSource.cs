using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace SpecDecode.Hosting;

/// <summary>
/// Where the options of every model come from: those that were added to the services, those that the section <c>Models</c> names
/// now, and what is set when a model is loaded.
/// </summary>
internal sealed class OptionsSource(IEnumerable<ModelRegistration> registrations, IServiceProvider services)
    : IConfigureNamedOptions<SpecDecodeOptions>, IPostConfigureOptions<SpecDecodeOptions>, IValidateOptions<SpecDecodeOptions>
{
    private readonly ModelRegistration[] _registrations = [.. registrations];
    private readonly ConcurrentDictionary<string, Action<SpecDecodeOptions>> _inCode = new(StringComparer.OrdinalIgnoreCase);

    // What is set in code for the options that this thread makes: it belongs to one loading, and the factory takes no more than a name.
    [ThreadStatic]
    private static (string Key, Action<SpecDecodeOptions>? Configure)? t_inCode;

    // Not in the constructor: the factory has this among its parts.
    private IOptionsFactory<SpecDecodeOptions> Factory => services.GetRequiredService<IOptionsFactory<SpecDecodeOptions>>();

    /// <summary>The keys of all models that there are options for now, the one without a name first.</summary>
    public IReadOnlyList<string> Keys =>
    [
        .. _registrations.Where(registration => registration.Key.Length > 0 || IsThere(registration)).Select(registration => registration.Key)
            .Concat(NamedSections().Select(section => section.Key))
            .Concat(_inCode.Keys)
            .Distinct(StringComparer.OrdinalIgnoreCase)
            .OrderBy(key => key, StringComparer.OrdinalIgnoreCase),
    ];

    /// <summary>Names that are taken twice, a sentence each.</summary>
    public IEnumerable<string> FindErrors() => NamedSections()
        .Where(section => _registrations.Any(registration => IsSame(registration.Key, section.Key)))
        .Select(section => $"{section.Path}: a model of the name '{section.Key}' is added in code already: give this one another.");

    /// <summary>Whether there are options for a model.</summary>
    public bool Has(string key) => Keys.Contains(key, StringComparer.OrdinalIgnoreCase);

    /// <summary>Reads the options of a model anew, and checks them.</summary>
    /// <param name="key">The model's key.</param>
    /// <param name="inCode">What is set in code on top of its configuration; null for nothing.</param>
    /// <exception cref="OptionsValidationException">They are wrong; a sentence for each mistake.</exception>
    public SpecDecodeOptions Read(string key, Action<SpecDecodeOptions>? inCode)
    {
        (string, Action<SpecDecodeOptions>?)? before = t_inCode;
        t_inCode = (key, inCode);
        try
        {
            return Factory.Create(key);
        }
        finally
        {
            t_inCode = before;
        }
    }

    /// <summary>What was last set in code for a model; null for nothing.</summary>
    public Action<SpecDecodeOptions>? InCode(string key) => _inCode.GetValueOrDefault(key);

    /// <summary>Keeps that for the next loading.</summary>
    public void Keep(string key, Action<SpecDecodeOptions>? inCode)
    {
        if (inCode is null)
        {
            _inCode.TryRemove(key, out _);
        }
        else
        {
            _inCode[key] = inCode;
        }
    }

    /// <summary>Where a model's options are read from now; null for options in code alone.</summary>
    public IConfiguration? Section(string key) => Registration(key) is { } registration ? registration.Section : NamedSection(key);

    /// <summary>What stands before an option's own name in a sentence about a model.</summary>
    public string Place(string key) => Registration(key)?.Place ?? (NamedSection(key) is { } section ? section.Path + ":" : $"Model '{key}', ");

    /// <inheritdoc/>
    public void Configure(string? name, SpecDecodeOptions options)
    {
        if (name is not null && Section(name) is { } section)
        {
            Bind(section, name, options);
        }
    }

    /// <inheritdoc/>
    public void Configure(SpecDecodeOptions options) => Configure(Options.DefaultName, options);

    /// <inheritdoc/>
    public void PostConfigure(string? name, SpecDecodeOptions options)
    {
        if (name is not null && t_inCode is var (key, configure) && IsSame(key, name))
        {
            configure?.Invoke(options);
        }
    }

    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, SpecDecodeOptions options) =>
        name is null || (Registration(name) is { } registration && !IsThere(registration)) ? ValidateOptionsResult.Skip
        : ModelOptionsRules.Validate(name, Place(name), options, WhereLooked(name));

    /// <summary>Where relative paths of options begin.</summary>
    public static string ContentRoot(IServiceProvider services) => services.GetService<IHostEnvironment>()?.ContentRootPath ?? Directory.GetCurrentDirectory();

    // Null where there is such a section, or none was asked for.
    private string? WhereLooked(string key) => Section(key) is not IConfigurationSection section || section.Exists() ? null
        : $"There is no section {section.Path} in the configuration; the content root is {ContentRoot(services)}, its files: {new ConfigurationFiles(services.GetService<IConfiguration>()).InWords()}.";

    private static void Bind(IConfiguration section, string name, SpecDecodeOptions options)
    {
        string[] errors = [.. ConfigurationShape.FindErrors(section, mayName: name.Length == 0)];
        if (errors.Length > 0)
        {
            throw new OptionsValidationException(name, typeof(SpecDecodeOptions), errors);
        }

        ConfigurationShape.Normalized(section).Bind(options);
    }

    // A section with named models alone says nothing of one without a name.
    private static bool IsThere(ModelRegistration registration) => registration.Key.Length > 0
        || registration.NamedModels is not { } models || !models.GetChildren().Any()
        || ConfigurationKeys.Sections.Keys.Concat(ConfigurationKeys.Own.Keys).Any(key => registration.Section!.GetSection(key).AsEnumerable().Any(value => !string.IsNullOrEmpty(value.Value)));

    private static bool IsSame(string key, string other) => string.Equals(key, other, StringComparison.OrdinalIgnoreCase);

    private ModelRegistration? Registration(string key) => Array.Find(_registrations, registration => IsSame(registration.Key, key));

    private IEnumerable<IConfigurationSection> NamedSections() => _registrations.SelectMany(registration => registration.NamedModels?.GetChildren() ?? []);

    private IConfigurationSection? NamedSection(string key) => NamedSections().FirstOrDefault(section => IsSame(section.Key, key));
}
