namespace SpecDecode.Generation;

/// <summary>What one may want to know of a loaded model.</summary>
public sealed record ModelInfo
{
    /// <summary>What it is called in telemetry: the name of its folder.</summary>
    public required string Name { get; init; }

    /// <summary>Number of layers.</summary>
    public required int LayerCount { get; init; }

    /// <summary>Number of token ids.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Longest sequence, prompt and new tokens together.</summary>
    public required int MaxSequenceLength { get; init; }

    /// <summary>What the model's matrices are stored as.</summary>
    /// <value>The default is <see cref="SpecDecode.Precision.Fp32"/>.</value>
    public Precision Precision { get; init; }

    /// <summary>The precision of the copy of the weights that drafts; null where it was loaded without one.</summary>
    public Precision? DraftPrecision { get; init; }

    /// <summary>Most texts that are written or wait at a time, <c>MaxSequences</c> and <c>MaxQueue</c> together: requests that ask for more can never be answered.</summary>
    /// <value>The default is no limit.</value>
    public int MaxTexts { get; init; } = int.MaxValue;

    /// <summary>The model in words.</summary>
    public override string ToString() => $"{Name}: {LayerCount} layers, {VocabularySize} token ids, sequences of at most {MaxSequenceLength} tokens";
}
