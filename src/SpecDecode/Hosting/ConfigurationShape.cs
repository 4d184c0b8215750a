using System.Collections.Frozen;
using System.Globalization;
using Microsoft.Extensions.Configuration;
using SpecDecode.Sampling;

namespace SpecDecode.Hosting;

/// <summary>
/// Whether a configuration section has the form of the options, looked at before it is bound: binding passes over a misspelt key, a
/// word in place of a section and a list that is none, and nobody would know. An empty value counts as not there: the environment and
/// the command line have no other way to take a key back.
/// </summary>
internal static class ConfigurationShape
{
    /// <summary>What is wrong with it, a sentence each; a key whose value is null or empty counts as not there.</summary>
    /// <param name="configuration">The section of one model.</param>
    /// <param name="mayName">Whether it may have the section of models by name, which are looked at one by one.</param>
    public static IEnumerable<string> FindErrors(IConfiguration configuration, bool mayName = false)
    {
        string sections = string.Join(", ", ConfigurationKeys.Sections.Keys.Concat(mayName ? [ConfigurationKeys.Models] : []).Order());
        if (configuration is IConfigurationSection { Value.Length: > 0 } word)
        {
            yield return $"{word.Path} is '{word.Value}': give a section with any of {sections}.";
        }

        foreach (IConfigurationSection section in configuration.GetChildren())
        {
            IEnumerable<string> errors = mayName && string.Equals(section.Key, ConfigurationKeys.Models, StringComparison.OrdinalIgnoreCase) ? FindNamingErrors(section)
                : ConfigurationKeys.Sections.TryGetValue(section.Key, out FrozenDictionary<string, OptionKind>? keys) ? FindErrors(configuration, section, keys)
                : ConfigurationKeys.Own.TryGetValue(section.Key, out OptionKind kind) ? FindErrors(section, kind)

                // The root of a configuration has other people's sections, too.
                : configuration is IConfigurationSection ? [$"{section.Path} is no section and no option: there are {sections}, and beside them {string.Join(", ", ConfigurationKeys.Own.Keys)}."]
                : [];
            foreach (string error in errors)
            {
                yield return error;
            }
        }
    }

    /// <summary>A section without errors as binding reads it: without empty values, and names of enumerations without hyphens.</summary>
    public static IConfiguration Normalized(IConfiguration configuration)
    {
        Dictionary<string, string?> values = new(StringComparer.OrdinalIgnoreCase);
        foreach ((string name, OptionKind kind) in ConfigurationKeys.Own)
        {
            Add(name, kind, configuration.GetSection(name));
        }

        foreach ((string section, FrozenDictionary<string, OptionKind> keys) in ConfigurationKeys.Sections)
        {
            foreach ((string name, OptionKind kind) in keys)
            {
                IConfigurationSection option = configuration.GetSection(section).GetSection(name);
                Add($"{section}:{name}", kind, option);
                foreach (IConfigurationSection item in option.GetChildren())
                {
                    Add($"{section}:{name}:{item.Key}", OptionKind.WholeNumber, item);
                }
            }
        }

        return new ConfigurationBuilder().AddInMemoryCollection(values).Build();

        void Add(string key, OptionKind kind, IConfigurationSection option)
        {
            if (!string.IsNullOrEmpty(option.Value))
            {
                values[key] = kind == OptionKind.AcceptanceRule ? WithoutHyphens(option.Value) : option.Value;
            }
        }
    }

    private static IEnumerable<string> FindNamingErrors(IConfigurationSection models)
    {
        const string Mend = "give a section for each model, its name with the sections of a model below it.";
        if (!string.IsNullOrEmpty(models.Value))
        {
            yield return $"{models.Path} is '{models.Value}': {Mend}";
        }

        foreach (IConfigurationSection model in models.GetChildren().Where(model => !string.IsNullOrEmpty(model.Value)))
        {
            yield return $"{model.Path} is '{model.Value}': {Mend}";
        }
    }

    private static IEnumerable<string> FindErrors(IConfiguration configuration, IConfigurationSection section, FrozenDictionary<string, OptionKind> keys)
    {
        if (!string.IsNullOrEmpty(section.Value))
        {
            yield return $"{section.Path} is '{section.Value}': give a section with any of {string.Join(", ", keys.Keys.Order())}.";
        }

        foreach (IConfigurationSection option in section.GetChildren())
        {
            IEnumerable<string> errors = keys.TryGetValue(option.Key, out OptionKind kind) ? FindErrors(option, kind)
                : ConfigurationKeys.Elsewhere.TryGetValue($"{section.Key}:{option.Key}", out string? now)
                    ? [$"{option.Path} is called {(configuration is IConfigurationSection { Path: var path } ? path + ":" : "")}{now}: move its value there."]
                : [$"{option.Path} is no option: there are {string.Join(", ", keys.Keys.Order())}."];
            foreach (string error in errors)
            {
                yield return error;
            }
        }
    }

    private static IEnumerable<string> FindErrors(IConfigurationSection option, OptionKind kind) =>
        kind == OptionKind.WholeNumbers ? FindListErrors(option)
        : option.GetChildren().Any() ? [$"{option.Path} is a list or a section: give {InWords(kind)}."]
        : option.Value is { Length: > 0 } value && !IsOfKind(value, kind) ? [$"{option.Path} is '{value}': give {InWords(kind)}."]
        : [];

    private static IEnumerable<string> FindListErrors(IConfigurationSection list)
    {
        if (!string.IsNullOrEmpty(list.Value))
        {
            yield return $"{list.Path} is '{list.Value}': give {InWords(OptionKind.WholeNumbers)}.";
        }

        foreach (IConfigurationSection item in list.GetChildren())
        {
            if (item.GetChildren().Any() || (item.Value is { Length: > 0 } value && !IsOfKind(value, OptionKind.WholeNumber)))
            {
                yield return $"{item.Path} is {(item.Value is null ? "no number" : $"'{item.Value}'")}: give {InWords(OptionKind.WholeNumber)}.";
            }
        }
    }

    private static bool IsOfKind(string value, OptionKind kind) => kind switch
    {
        OptionKind.WholeNumber => int.TryParse(value, NumberStyles.Integer, CultureInfo.InvariantCulture, out _),
        OptionKind.Seed => long.TryParse(value, NumberStyles.Integer, CultureInfo.InvariantCulture, out _),
        OptionKind.Number => float.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out _),
        OptionKind.Flag => bool.TryParse(value, out _),
        OptionKind.Precision => IsName<Precision>(value),
        OptionKind.ActivationPrecision => IsName<ActivationPrecision>(value),
        OptionKind.KernelChoice => IsName<KernelChoice>(value),
        OptionKind.WeightMemory => IsName<WeightMemory>(value),
        OptionKind.KvPrecision => IsName<KvPrecision>(value),
        OptionKind.ComputePrecision => IsName<ComputePrecision>(value),
        OptionKind.KvAdmission => IsName<KvAdmission>(value),
        OptionKind.AcceptanceRule => IsName<AcceptanceRule>(WithoutHyphens(value)),
        _ => true,
    };

    // A number would be taken for an enumeration's too.
    private static bool IsName<T>(string value)
        where T : struct, Enum => Enum.GetNames<T>().Contains(value, StringComparer.OrdinalIgnoreCase);

    private static string WithoutHyphens(string value) => value.Replace("-", "", StringComparison.Ordinal);

    private static string InWords(OptionKind kind) => kind switch
    {
        OptionKind.WholeNumber => "a whole number, at most 2147483647, or leave it out",
        OptionKind.Seed => "a whole number of 64 bits, or leave it out",
        OptionKind.Number => "a number such as 0.5, or leave it out",
        OptionKind.Flag => "true or false, or leave it out",
        OptionKind.Precision => "stored, bf16, fp16, fp32, int8 or int4, or leave it out",
        OptionKind.KernelChoice => "own or onnxruntime, or leave it out",
        OptionKind.WeightMemory => "mapped or largepages, or leave it out",
        OptionKind.KvPrecision => "fp32, fp16 or int8, or leave it out",
        OptionKind.ComputePrecision => "fp32, fp16 or bf16, or leave it out",
        OptionKind.KvAdmission => "paged or reserve, or leave it out",
        OptionKind.ActivationPrecision => "int8 or fp32, or leave it out",
        OptionKind.AcceptanceRule => "greedy, rejection or shared-noise, or leave it out",
        OptionKind.WholeNumbers => "a list of whole numbers such as [3, 5], or leave it out",
        _ => "a text",
    };
}
