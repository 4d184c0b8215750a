using Microsoft.Extensions.Options;

namespace SpecDecode.Hosting;

/// <summary>Checks the options of one model: each by itself, then what they say together. Each mistake is a sentence that names its place.</summary>
/// <param name="name">The model's name among the options.</param>
/// <param name="place">What stands before an option's own name: the path of the section, with a colon behind it; empty for options in code.</param>
internal sealed class ModelOptionsRules(string name, string place) : IValidateOptions<SpecDecodeOptions>
{
    private static readonly SpecDecodeOptionsValidator Attributes = new();

    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? optionsName, SpecDecodeOptions options)
    {
        if (optionsName != name)
        {
            return ValidateOptionsResult.Skip;
        }

        List<string> errors = [];
        if (Attributes.Validate(optionsName, options) is { Failed: true } result)
        {
            errors.AddRange(result.Failures);
        }

        errors.AddRange((options.Drafting?.Errors(options.Model?.DraftPrecision is not null) ?? []).Select(error => "Drafting:" + error));
        errors.AddRange((options.Sampling?.Errors() ?? []).Select(error => "Sampling:" + error));
        if (options.Runtime?.FindError() is { } wrong)
        {
            errors.Add($"Runtime:{wrong}");
        }

        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors.Select(error => place + error));
    }
}
