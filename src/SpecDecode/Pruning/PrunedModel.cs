namespace SpecDecode.Pruning;

/// <summary>A checkpoint folder that holds some of another one's layers.</summary>
public sealed record PrunedModel
{
    /// <summary>The folder.</summary>
    public required string Path { get; init; }

    /// <summary>The layers that were dropped, by their numbers in the original.</summary>
    public required IReadOnlyList<int> Dropped { get; init; }

    /// <summary>The layers that stay, by their numbers in the original, in their order.</summary>
    public required IReadOnlyList<int> Kept { get; init; }

    /// <summary>Bytes of the tensors.</summary>
    public required long Bytes { get; init; }

    /// <summary>Bytes of the original's tensors.</summary>
    public required long OriginalBytes { get; init; }
}
