namespace SpecDecode.LayerSearch;

/// <summary>How far the search for layers to leave out has come (<see cref="Drafting.DraftingStrategy.Swift"/>).</summary>
public sealed record LayerSearchState
{
    /// <summary>Layers whose attention is left out by requests that come now.</summary>
    public required IReadOnlyList<int> SkippedAttention { get; init; }

    /// <summary>Layers whose MLP is left out.</summary>
    public required IReadOnlyList<int> SkippedMlp { get; init; }

    /// <summary>Sets of blocks that were tried.</summary>
    public long Tried { get; init; }

    /// <summary>How often one of them was adopted.</summary>
    public int Adopted { get; init; }

    /// <summary>Tokens per second over those of plain decoding that the plan is expected to bring, as judged last; null before.</summary>
    public double? ExpectedSpeedup { get; init; }

    /// <summary>Whether it rests, since nothing better was found for long; it goes on where acceptance changes.</summary>
    public bool IsResting { get; init; }

    /// <summary>Time that it took so far.</summary>
    public TimeSpan Time { get; init; }

    /// <summary>How far it is, in words.</summary>
    public override string ToString() => FormattableString.Invariant(
        $"without attention [{string.Join(", ", SkippedAttention)}] and MLP [{string.Join(", ", SkippedMlp)}], expected speed-up {ExpectedSpeedup:f3}; {Tried} tried, {Adopted} adopted{(IsResting ? ", resting" : "")}");
}
