namespace SpecDecode.Verification;

/// <summary>Greedy acceptance: a draft token stands where it is the verifier's own choice.</summary>
internal static class GreedyAcceptance
{
    /// <summary>Length of the longest accepted prefix.</summary>
    /// <param name="draft">The draft, <c>[K]</c>.</param>
    /// <param name="targets">The verifier's choice at the position of each draft token and after the last, <c>[K + 1]</c>.</param>
    public static int Count(ReadOnlySpan<int> draft, ReadOnlySpan<int> targets) => draft.CommonPrefixLength(targets);
}
