namespace SpecDecode.Models;

/// <summary>A checkpoint's tokenizer.</summary>
public sealed record TokenizerSummary
{
    /// <summary>Name of its file: <c>tokenizer.json</c> or <c>tokenizer.model</c>.</summary>
    public required string File { get; init; }

    /// <summary>Its kind: <c>BPE</c> or <c>Unigram</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>The highest id plus one.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>How the ids that end a text are written, in the order of <see cref="ModelSummary.EndOfSequence"/>; empty for one that no token has.</summary>
    public required IReadOnlyList<string> EndOfSequence { get; init; }
}
