using SpecDecode.Descriptions;
using SpecDecode.Weights;

namespace SpecDecode.Models;

/// <summary>The head that drafts have for themselves.</summary>
/// <param name="Vocabulary">How many tokens it scores, in whole panels; null for all.</param>
/// <param name="Precision">What it is rounded to where the head is stored in more bits; null for what the head has.</param>
/// <param name="BlockSize">Weights that share a scale where it is rounded and the head is not.</param>
internal sealed record DraftHeadSettings(int? Vocabulary, Precision? Precision, int BlockSize)
{
    /// <summary>Tokens that it scores by default, where not all.</summary>
    private const int DefaultVocabulary = 4096;

    // Below so many times the default, what a draft saves in its head is not worth what it does not find.
    private const int LeastShare = 4;

    private static readonly OptionName VocabularyName = OptionName.OfModel(nameof(ModelOptions.DraftVocabulary));
    private static readonly OptionName PrecisionName = OptionName.OfModel(nameof(ModelOptions.DraftHeadPrecision));

    /// <summary>What is wrong with the options whatever the model; null for nothing.</summary>
    public static OptionException? FindError(ModelOptions options) =>
        options.DraftVocabulary is < 0 and var tokens ? new OptionException($"{VocabularyName} is {tokens}: give how many tokens drafts choose from, or 0 for all.")
        : options.DraftHeadPrecision is { } precision && !precision.IsQuantized() ? new OptionException($"{PrecisionName} is {precision.Name()}: give int8 or int4, or leave it out.")
        : null;

    /// <summary>The settings.</summary>
    /// <param name="options">What was asked for.</param>
    /// <param name="vocabularySize">Tokens of the model, V.</param>
    /// <param name="weights">How its weights are stored.</param>
    /// <param name="copy">The same of the copy that drafts; null where there is none.</param>
    /// <exception cref="OptionException">There is no such head, it would be no smaller, or the kernels are not the library's.</exception>
    public static DraftHeadSettings Of(ModelOptions options, int vocabularySize, WeightSettings weights, WeightSettings? copy)
    {
        if (FindError(options) is { } error)
        {
            throw error;
        }

        bool isInPanels = weights.Layout == TensorLayout.Panels;
        OptionName? unread = isInPanels ? null : options.DraftVocabulary > 0 ? VocabularyName : options.DraftHeadPrecision is not null ? PrecisionName : null;
        if (unread is { } name)
        {
            string value = name == VocabularyName ? FormattableString.Invariant($"{options.DraftVocabulary}") : options.DraftHeadPrecision!.Value.Name();
            throw new OptionException($"{name} is {value}, which needs the library's own kernels: leave it out, or set {OptionName.OfModel(nameof(ModelOptions.Kernels))} to Own where the processor allows it.");
        }

        if (options.DraftHeadPrecision is { } precision && precision.Bits() >= weights.Head.Bits() && !(precision.Bits() < copy?.Head.Bits()))
        {
            throw new OptionException(
                $"{PrecisionName} is {precision.Name()}, and the head is stored as {weights.Head.Name()}: {(weights.Head == SpecDecode.Precision.Int4 ? "" : "give int4, or ")}leave it out.");
        }

        long tokens = options.DraftVocabulary ?? (vocabularySize >= LeastShare * DefaultVocabulary ? DefaultVocabulary : 0);
        long rounded = PanelLayout.Panels(tokens) * PanelLayout.Outputs;
        return new DraftHeadSettings(isInPanels && rounded > 0 && rounded < vocabularySize ? (int)rounded : null, options.DraftHeadPrecision, weights.BlockSize);
    }

    /// <summary>Whether drafts on these weights have a head of their own.</summary>
    /// <param name="head">What the head is stored as.</param>
    public bool IsOn(TensorFormat head) => Vocabulary is not null || FormatOf(head) != head;

    /// <summary>What it is stored as.</summary>
    /// <param name="head">What the head is stored as.</param>
    public TensorFormat FormatOf(TensorFormat head) =>
        Precision is { } precision && precision.Bits() < head.Bits ? new TensorFormat(precision, head.IsQuantized ? head.BlockSize : BlockSize, TensorLayout.Panels) : head;

    /// <summary>Why it does not fit into memory; null where it does.</summary>
    /// <param name="bytes">What it takes.</param>
    /// <param name="weightBytes">What the weights take.</param>
    /// <param name="availableBytes">What the process may use.</param>
    public static OptionException? FindError(long bytes, long weightBytes, long availableBytes) => bytes <= availableBytes - weightBytes ? null : new OptionException(
        $"The head of drafts takes {bytes >> 20} MB besides the weights' {weightBytes >> 20} MB, but the process may use {availableBytes >> 20} MB in all: leave {PrecisionName} unset, give {VocabularyName} fewer tokens, or allow more memory.");

    /// <summary>For the name of what depends on it.</summary>
    public override string ToString() => FormattableString.Invariant($"{Vocabulary} draft tokens") + (Precision is { } precision ? $", scored in {precision.Name()}" : "");
}
