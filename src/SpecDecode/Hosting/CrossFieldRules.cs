using Microsoft.Extensions.Options;

namespace SpecDecode.Hosting;

/// <summary>Checks what options say together, and what attributes cannot.</summary>
internal sealed class CrossFieldRules : IValidateOptions<SpecDecodeOptions>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, SpecDecodeOptions options)
    {
        List<string> errors = [];
        DraftingOptions drafting = options.Drafting;
        bool skips = drafting.SkipAttention.Count + drafting.SkipMlp.Count > 0;
        switch (drafting.Strategy)
        {
            case DraftingOptions.EarlyExit when drafting.ExitLayer is null:
                errors.Add("Drafting:Strategy is early-exit, which needs Drafting:ExitLayer: give how many layers the drafter runs.");
                break;
            case DraftingOptions.EarlyExit when skips:
                errors.Add("Drafting:Strategy is early-exit, which skips no single blocks: remove Drafting:SkipAttention and Drafting:SkipMlp, or use layer-skip.");
                break;
            case DraftingOptions.LayerSkip when !skips:
                errors.Add("Drafting:Strategy is layer-skip, which needs Drafting:SkipAttention or Drafting:SkipMlp: name the layers whose blocks the drafter leaves out.");
                break;
            case DraftingOptions.LayerSkip when drafting.ExitLayer is not null:
                errors.Add("Drafting:Strategy is layer-skip, which has no exit: remove Drafting:ExitLayer, or use early-exit.");
                break;
        }

        if (options.Runtime.FindError() is { } wrong)
        {
            errors.Add($"Runtime:{wrong}");
        }

        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }
}
