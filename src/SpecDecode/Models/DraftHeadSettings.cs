using SpecDecode.Descriptions;
using SpecDecode.Weights;

namespace SpecDecode.Models;

/// <summary>The head that drafts have for themselves.</summary>
/// <param name="Vocabulary">How many tokens it scores, in whole panels; null for all.</param>
/// <param name="Precision">What it is rounded to where the head is stored in more bits; null for what the head has.</param>
internal sealed record DraftHeadSettings(int? Vocabulary, Precision? Precision)
{
    /// <summary>Tokens that it scores by default, where not all.</summary>
    private const int DefaultVocabulary = 4096;

    // Below so many times the default, what a draft saves in its head is not worth what it does not find.
    private const int LeastShare = 4;

    private static readonly OptionName VocabularyName = OptionName.OfModel(nameof(ModelOptions.DraftVocabulary));
    private static readonly OptionName PrecisionName = OptionName.OfModel(nameof(ModelOptions.DraftHeadPrecision));
    private static readonly OptionName KernelsName = OptionName.OfModel(nameof(ModelOptions.Kernels));

    /// <summary>What is wrong with the options whatever the model; null for nothing.</summary>
    public static OptionException? FindError(ModelOptions options) =>
        options.DraftVocabulary is < 0 and var tokens ? new OptionException($"{VocabularyName} is {tokens}: give how many tokens drafts choose from, or 0 for all.")
        : options.DraftHeadPrecision is { } precision && !precision.IsQuantized() ? new OptionException($"{PrecisionName} is {precision.Name()}: give int8 or int4, or leave it out.")
        : null;

    /// <summary>The settings; null where drafts use the head of the weights that they run on.</summary>
    /// <param name="options">What was asked for.</param>
    /// <param name="model">The model.</param>
    /// <param name="weights">Its weights.</param>
    /// <exception cref="OptionException">There is no such head, it would be no smaller, or the kernels are not the library's.</exception>
    public static DraftHeadSettings? Of(ModelOptions options, DecoderDescription model, WeightCopies weights)
    {
        if (FindError(options) is { } error)
        {
            throw error;
        }

        bool isInPanels = weights.Verifier.IsInPanels;
        if (!isInPanels && options.DraftVocabulary > 0)
        {
            throw new OptionException($"{VocabularyName} is {options.DraftVocabulary}, which needs the library's own kernels: leave it out, or {KernelsName} unset.");
        }

        if (!isInPanels && options.DraftHeadPrecision is { } unread)
        {
            throw new OptionException($"{PrecisionName} is {unread.Name()}, which needs the library's own kernels: leave it out, or {KernelsName} unset.");
        }

        long tokens = options.DraftVocabulary ?? (model.VocabularySize >= LeastShare * DefaultVocabulary ? DefaultVocabulary : 0);
        long rounded = PanelLayout.Panels(tokens) * PanelLayout.Outputs;
        DraftHeadSettings settings = new(isInPanels && rounded > 0 && rounded < model.VocabularySize ? (int)rounded : null, options.DraftHeadPrecision);
        TensorFormat own = weights.Verifier[model.Head.Weight].Format;
        if (settings.Precision is { } precision && settings.FormatOf(own) == own && (weights.Drafter is null || IsOwn(weights.Drafter)))
        {
            throw new OptionException(
                $"{PrecisionName} is {precision.Name()}, and the head is stored as {own.Precision.Name()}: give {(own.Precision == SpecDecode.Precision.Int8 ? "int4" : "a lower one")}, or leave it out.");
        }

        return settings.Vocabulary is null && settings.Precision is null ? null : settings;

        bool IsOwn(PreparedWeights copy) => settings.FormatOf(copy[model.Head.Weight].Format) == copy[model.Head.Weight].Format;
    }

    /// <summary>What it is stored as.</summary>
    /// <param name="head">What the head is stored as.</param>
    public TensorFormat FormatOf(TensorFormat head) =>
        Precision is { } precision && precision.Bits() < head.Bits ? new TensorFormat(precision, head.IsQuantized ? head.BlockSize : WeightSettings.DefaultBlockSize, TensorLayout.Panels) : head;

    /// <summary>For the name of what depends on it.</summary>
    public override string ToString() => FormattableString.Invariant($"{Vocabulary} draft tokens") + (Precision is { } precision ? $", scored in {precision.Name()}" : "");
}
