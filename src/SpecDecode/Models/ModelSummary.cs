using SpecDecode.Drafting.Profiles;
using SpecDecode.Sampling;

namespace SpecDecode.Models;

/// <summary>
/// What a folder holds, as its small files and the headers of its weights say: what a load would make of it, and why it would be
/// refused. <see cref="Generation.TextModel.Inspect"/> makes it.
/// </summary>
public sealed record ModelSummary
{
    /// <summary>The folder's full path.</summary>
    public required string Folder { get; init; }

    /// <summary>Whether it holds converted weights in place of a checkpoint's.</summary>
    public bool IsPrepared { get; init; }

    /// <summary>The <c>model_type</c> of config.json, also where it is not supported; null where there is none.</summary>
    public string? Family { get; init; }

    /// <summary>The model; null where config.json or the weights do not say.</summary>
    public DecoderSummary? Decoder { get; init; }

    /// <summary>The tokenizer; null where there is none that can be used.</summary>
    public TokenizerSummary? Tokenizer { get; init; }

    /// <summary>The chat templates; null where there are none that can be used.</summary>
    public ChatTemplateSummary? ChatTemplate { get; init; }

    /// <summary>Ids that end a text: those of config.json and of generation_config.json together; may be empty.</summary>
    public IReadOnlyList<int> EndOfSequence { get; init; } = [];

    /// <summary>
    /// The drafting profile of this model that lies in the folder; null where there is none that can be used. Of a checkpoint that was never
    /// loaded the fingerprint is not known, so family and sizes decide.
    /// </summary>
    public DraftingProfile? Profile { get; init; }

    /// <summary>
    /// The sampling that generation_config.json suggests; null where it suggests none. It is not applied: whoever wants it asks for it.
    /// </summary>
    public SamplingOptions? SuggestedSampling { get; init; }

    /// <summary>
    /// Why loading would be refused, a sentence each with the file and the mend; empty when the model would load. What only the whole of
    /// the weights can tell is not among them: a hash that does not match, a weight that is no number.
    /// </summary>
    public required IReadOnlyList<string> Problems { get; init; }

    /// <summary>What is not as one may expect, a sentence each; the model loads all the same.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>Whether it would load.</summary>
    public bool CanLoad => Problems.Count == 0;

    /// <summary>The model in words.</summary>
    public override string ToString() => $"{Folder}: {Family ?? "no model"}, "
        + (CanLoad ? $"{Decoder?.Parameters} parameters" : $"refused for {Problems.Count} reasons, first: {Problems[0]}");
}
