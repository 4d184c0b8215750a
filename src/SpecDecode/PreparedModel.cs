namespace SpecDecode;

/// <summary>Weights that were converted ahead of time.</summary>
public sealed record PreparedModel
{
    /// <summary>The folder that was made, or else the file in the cache folder.</summary>
    public required string Path { get; init; }

    /// <summary>Length of the file of weights, in bytes.</summary>
    public required long Bytes { get; init; }

    /// <summary>What matrices are stored as.</summary>
    public required Precision Precision { get; init; }

    /// <summary>What the LM head, and an embedding tied to it, is stored as.</summary>
    public required Precision HeadPrecision { get; init; }

    /// <summary>Weights that share a scale, where something is quantised.</summary>
    public required int BlockSize { get; init; }

    /// <summary>What is not as one may expect, a sentence each; none by default.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>The result in words.</summary>
    public override string ToString() => $"{Path}: {Bytes} bytes, {Precision}, head {HeadPrecision}, blocks of {BlockSize}";
}
