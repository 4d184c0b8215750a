using SpecDecode.Descriptions;

namespace SpecDecode.Models;

/// <summary>How many tokens drafts choose from.</summary>
internal static class DraftVocabularySize
{
    /// <summary>The default, where not all.</summary>
    private const int Default = 4096;

    // Below so many times the default, what a draft saves in its head is not worth what it does not find.
    private const int LeastShare = 4;

    /// <summary>What is wrong with the option whatever the model; null for nothing.</summary>
    public static OptionException? FindError(ModelOptions options) => options.DraftVocabulary < 0
        ? new OptionException($"{OptionName.OfModel(nameof(options.DraftVocabulary))} is {options.DraftVocabulary}: give how many tokens drafts choose from, or 0 for all.")
        : null;

    /// <summary>The number, in whole panels; null for all.</summary>
    /// <param name="options">What was asked for.</param>
    /// <param name="model">The model.</param>
    /// <param name="isInPanels">Whether its weights are those of the library's kernels.</param>
    /// <exception cref="OptionException">The number is negative, or the kernels are not the library's.</exception>
    public static int? Of(ModelOptions options, DecoderDescription model, bool isInPanels)
    {
        if (FindError(options) is { } error)
        {
            throw error;
        }

        if (options.DraftVocabulary > 0 && !isInPanels)
        {
            throw new OptionException(
                $"{OptionName.OfModel(nameof(options.DraftVocabulary))} is {options.DraftVocabulary}, which needs the library's own kernels: leave it out, or {OptionName.OfModel(nameof(options.Kernels))} unset.");
        }

        long tokens = options.DraftVocabulary ?? (model.VocabularySize >= LeastShare * Default ? Default : 0);
        long rounded = PanelLayout.Panels(tokens) * PanelLayout.Outputs;
        return isInPanels && rounded > 0 && rounded < model.VocabularySize ? (int)rounded : null;
    }
}
