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

        if (options.Drafting is { SkipAttention: { } attention, SkipMlp: { } mlp } drafting
            && FindError(drafting, attention.Count + mlp.Count > 0, options.Model?.DraftPrecision is not null) is { } contradiction)
        {
            errors.Add(contradiction);
        }

        if (options.Runtime?.FindError() is { } wrong)
        {
            errors.Add($"Runtime:{wrong}");
        }

        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors.Select(error => place + error));
    }

    private static string? FindError(DraftingOptions drafting, bool skips, bool hasDraftWeights) => drafting.Strategy switch
    {
        DraftingOptions.EarlyExit when drafting.ExitLayer is null && !hasDraftWeights =>
            "Drafting:Strategy is early-exit, which needs Drafting:ExitLayer: give how many layers the drafter runs.",
        DraftingOptions.EarlyExit when skips =>
            "Drafting:Strategy is early-exit, which skips no single blocks: remove Drafting:SkipAttention and Drafting:SkipMlp, or use layer-skip.",
        DraftingOptions.LayerSkip when !skips =>
            "Drafting:Strategy is layer-skip, which needs Drafting:SkipAttention or Drafting:SkipMlp: name the layers whose blocks the drafter leaves out.",
        DraftingOptions.LayerSkip when drafting.ExitLayer is not null =>
            "Drafting:Strategy is layer-skip, which has no exit: remove Drafting:ExitLayer, or use early-exit.",
        _ => null,
    };
}
