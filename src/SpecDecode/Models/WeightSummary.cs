namespace SpecDecode.Models;

/// <summary>What a model's weights take in one precision, with the default head and blocks of it.</summary>
public sealed record WeightSummary
{
    /// <summary>What matrices are stored as.</summary>
    public required Precision Precision { get; init; }

    /// <summary>What the LM head, and an embedding tied to it, is stored as.</summary>
    public required Precision HeadPrecision { get; init; }

    /// <summary>Weights that share a scale, where something is quantised.</summary>
    public required int BlockSize { get; init; }

    /// <summary>Length of the file of prepared weights; before it is made, at most a few bytes more than it will be.</summary>
    public required long FileBytes { get; init; }

    /// <summary>
    /// Bytes of the weights that are kept in memory, scales included. The table of an embedding that is not the head is read from the
    /// file. What ONNX Runtime's packed form adds is not counted: nothing to speak of in float32, a sixth to a quarter in 8 and 4 bits.
    /// </summary>
    public required long MemoryBytes { get; init; }
}
