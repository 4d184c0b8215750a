namespace SpecDecode.Models;

/// <summary>A model's sizes, and what it takes.</summary>
public sealed record DecoderSummary
{
    /// <summary>Number of layers.</summary>
    public required int LayerCount { get; init; }

    /// <summary>Width of the residual.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width of the MLP.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Query heads of a layer.</summary>
    public required int QueryHeads { get; init; }

    /// <summary>Key and value heads of a layer.</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Channels of a head.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Number of token ids.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Longest sequence, prompt and new tokens together.</summary>
    public required int MaxSequenceLength { get; init; }

    /// <summary>Number of weights; a head that is the embedding counts once.</summary>
    public required long Parameters { get; init; }

    /// <summary>Whether the head is the embedding.</summary>
    public required bool TiesEmbedding { get; init; }

    /// <summary>What the weights are stored as in the checkpoint (<c>BF16</c>), the most frequent first.</summary>
    public required IReadOnlyList<string> StoredTypes { get; init; }

    /// <summary>Base θ of the rotary embedding.</summary>
    public required double RotaryBase { get; init; }

    /// <summary>Channels of a head that are rotated.</summary>
    public required int RotaryChannels { get; init; }

    /// <summary>Name of the rotary embedding's scaling, such as <c>llama3</c>; null where nothing is scaled.</summary>
    public string? RotaryScaling { get; init; }

    /// <summary>Layers that have the rotary embedding.</summary>
    public required int RotaryLayers { get; init; }

    /// <summary>How many positions a row sees in layers with a window; null where no layer has one.</summary>
    public int? Window { get; init; }

    /// <summary>Layers with a window.</summary>
    public required int WindowLayers { get; init; }

    /// <summary>Bytes of keys and values for each token of a sequence, without rounding up to whole pages.</summary>
    public required long KvBytesPerToken { get; init; }

    /// <summary>Bytes of keys and values that a sequence of <see cref="MaxSequenceLength"/> tokens reserves.</summary>
    public required long KvBytesOfContext { get; init; }

    /// <summary>
    /// What the weights take in each precision, the highest first; of a prepared folder only its own. A copy for drafting
    /// (<see cref="ModelOptions.DraftPrecision"/>) takes besides what its precision says here.
    /// </summary>
    public required IReadOnlyList<WeightSummary> Weights { get; init; }
}
