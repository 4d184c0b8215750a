namespace SpecDecode.Evaluation;

/// <summary>What a plan of blocks makes of a sequence.</summary>
public sealed record LogitsResult
{
    /// <summary>Logits at the last position, <c>[V]</c>.</summary>
    public required IReadOnlyList<float> LastLogits { get; init; }

    /// <summary>The highest logit's token at each position; the lowest id on a tie.</summary>
    public required IReadOnlyList<int> ArgMaxPerPosition { get; init; }

    /// <summary>The most probable next token and its logit.</summary>
    public override string ToString()
    {
        if (ArgMaxPerPosition.Count == 0)
        {
            return "no positions";
        }

        int next = ArgMaxPerPosition[^1];
        string logit = next >= 0 && next < LastLogits.Count ? FormattableString.Invariant($", logit {LastLogits[next]}") : "";
        return $"{ArgMaxPerPosition.Count} positions; next token {next}{logit}";
    }
}
