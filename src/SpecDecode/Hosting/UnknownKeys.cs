using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace SpecDecode.Hosting;

/// <summary>Refuses keys that no option has: a misspelt one would else do nothing, and nobody would know.</summary>
/// <param name="name">The model's name among the options.</param>
/// <param name="section">The section that the options are bound to.</param>
internal sealed class UnknownKeys(string name, IConfiguration section) : IValidateOptions<SpecDecodeOptions>
{
    private static readonly Dictionary<string, string[]> Sections = new(StringComparer.OrdinalIgnoreCase)
    {
        [nameof(SpecDecodeOptions.Model)] = ConfigurationKeys.Model,
        [nameof(SpecDecodeOptions.Drafting)] = ConfigurationKeys.Drafting,
        [nameof(SpecDecodeOptions.Sampling)] = ConfigurationKeys.Sampling,
        [nameof(SpecDecodeOptions.Runtime)] = ConfigurationKeys.Runtime,
    };

    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name1, SpecDecodeOptions options)
    {
        if (name1 != name)
        {
            return ValidateOptionsResult.Skip;
        }

        List<string> errors = [];
        foreach (IConfigurationSection child in section.GetChildren())
        {
            if (!Sections.TryGetValue(child.Key, out string[]? keys))
            {
                errors.Add($"{child.Path} is no section: there are {string.Join(", ", Sections.Keys)}.");
                continue;
            }

            errors.AddRange(child.GetChildren()
                .Where(option => !keys.Contains(option.Key, StringComparer.OrdinalIgnoreCase))
                .Select(option => $"{option.Path} is no option: there are {string.Join(", ", keys)}."));
        }

        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }
}
