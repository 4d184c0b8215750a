using System.Collections.Frozen;
using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace SpecDecode.Hosting;

/// <summary>
/// Whether a configuration section has the form of the options, looked at before it is bound: binding passes over a misspelt key, a
/// word in place of a section and a list that is none, and nobody would know.
/// </summary>
internal static class ConfigurationShape
{
    /// <summary>What is wrong with it, a sentence each; a key whose value is null counts as not there.</summary>
    public static IEnumerable<string> FindErrors(IConfiguration configuration)
    {
        foreach (IConfigurationSection section in configuration.GetChildren())
        {
            if (ConfigurationKeys.Sections.TryGetValue(section.Key, out FrozenDictionary<string, OptionKind>? keys))
            {
                foreach (string error in FindErrors(section, keys))
                {
                    yield return error;
                }
            }
            else if (configuration is IConfigurationSection)
            {
                // The root of a configuration has other people's sections, too.
                yield return $"{section.Path} is no section: there are {string.Join(", ", ConfigurationKeys.Sections.Keys.Order())}.";
            }
        }
    }

    private static IEnumerable<string> FindErrors(IConfigurationSection section, FrozenDictionary<string, OptionKind> keys)
    {
        if (!string.IsNullOrEmpty(section.Value))
        {
            yield return $"{section.Path} is '{section.Value}': give a section with any of {string.Join(", ", keys.Keys.Order())}.";
        }

        foreach (IConfigurationSection option in section.GetChildren())
        {
            if (!keys.TryGetValue(option.Key, out OptionKind kind))
            {
                yield return $"{option.Path} is no option: there are {string.Join(", ", keys.Keys.Order())}.";
            }
            else if (kind == OptionKind.WholeNumbers)
            {
                foreach (string error in FindListErrors(option))
                {
                    yield return error;
                }
            }
            else if (option.GetChildren().Any())
            {
                yield return $"{option.Path} is a list or a section: give {InWords(kind)}.";
            }
            else if (option.Value is { } value && !IsOfKind(value, kind))
            {
                yield return $"{option.Path} is '{value}': give {InWords(kind)}.";
            }
        }
    }

    private static IEnumerable<string> FindListErrors(IConfigurationSection list)
    {
        if (!string.IsNullOrEmpty(list.Value))
        {
            yield return $"{list.Path} is '{list.Value}': give {InWords(OptionKind.WholeNumbers)}.";
        }

        foreach (IConfigurationSection item in list.GetChildren())
        {
            if (item.Value is not { } value || !IsOfKind(value, OptionKind.WholeNumber))
            {
                yield return $"{item.Path} is {(item.Value is null ? "no number" : $"'{item.Value}'")}: give {InWords(OptionKind.WholeNumber)}.";
            }
        }
    }

    private static bool IsOfKind(string value, OptionKind kind) => kind switch
    {
        OptionKind.WholeNumber => int.TryParse(value, NumberStyles.Integer, CultureInfo.InvariantCulture, out _),
        OptionKind.Number => float.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out _),
        OptionKind.Flag => bool.TryParse(value, out _),
        OptionKind.Precision => IsName<Precision>(value),
        OptionKind.ActivationPrecision => IsName<ActivationPrecision>(value),
        _ => true,
    };

    // A number would be taken for an enumeration's too.
    private static bool IsName<T>(string value)
        where T : struct, Enum => Enum.GetNames<T>().Contains(value, StringComparer.OrdinalIgnoreCase);

    private static string InWords(OptionKind kind) => kind switch
    {
        OptionKind.WholeNumber => "a whole number, at most 2147483647, or leave it out",
        OptionKind.Number => "a number such as 0.5, or leave it out",
        OptionKind.Flag => "true or false, or leave it out",
        OptionKind.Precision => "fp32, int8 or int4, or leave it out",
        OptionKind.ActivationPrecision => "int8 or fp32, or leave it out",
        OptionKind.WholeNumbers => "a list of whole numbers such as [3, 5], or leave it out",
        _ => "a text",
    };
}
