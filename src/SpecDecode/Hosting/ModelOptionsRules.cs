using Microsoft.Extensions.Options;
using SpecDecode.Models;

namespace SpecDecode.Hosting;

/// <summary>Checks the options of one model: each by itself, then what they say together. Each mistake is a sentence that names its place.</summary>
internal static class ModelOptionsRules
{
    private static readonly SpecDecodeOptionsValidator Attributes = new();

    /// <summary>What is wrong with the options.</summary>
    /// <param name="key">The model's name among the options.</param>
    /// <param name="place">What stands before an option's own name: the path of the section, with a colon behind it; empty for options in code.</param>
    /// <param name="options">The options.</param>
    /// <param name="missing">Where the section was looked for, a sentence, where it is nowhere; null where it is there, or options are set in code.</param>
    public static ValidateOptionsResult Validate(string key, string place, SpecDecodeOptions options, string? missing = null)
    {
        List<string> errors = [];
        if (Attributes.Validate(key, options) is { Failed: true } result)
        {
            errors.AddRange(result.Failures);
        }

        errors.AddRange((options.Drafting?.Errors(options.Model?.DraftPrecision is not null) ?? []).Select(error => "Drafting:" + error));
        errors.AddRange((options.Sampling?.Errors() ?? []).Select(error => "Sampling:" + error));
        if (options.Runtime?.FindError() is { } wrong)
        {
            errors.Add(wrong.Describe(key => key));
        }

        if (options.Model is { } model && DraftHeadSettings.FindError(model) is { } misfit)
        {
            errors.Add(misfit.Describe(key => key));
        }

        if (options.Model is { Path: null or "" } && missing is not null)
        {
            int unset = errors.FindIndex(error => error.StartsWith(OptionName.OfModel(nameof(HostedModelOptions.Path)).Key, StringComparison.Ordinal));
            errors[unset] = $"{errors[unset]} {missing}";
        }

        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors.Select(error => place + error));
    }
}
