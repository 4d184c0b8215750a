namespace SpecDecode.Scheduling;

/// <summary>How far a search for layers to leave out has come.</summary>
/// <param name="IsThere">Whether there is one.</param>
/// <param name="Tried">Sets of layers that it has tried.</param>
/// <param name="Adopted">How often one of them was adopted.</param>
/// <param name="ExpectedSpeedup">Tokens per second over those of plain decoding that the best is expected to bring; null before one was judged.</param>
/// <param name="IsResting">Whether it rests.</param>
internal readonly record struct SearchProgress(bool IsThere, long Tried, long Adopted, double? ExpectedSpeedup, bool IsResting)
{
    /// <summary>Counts of two engines together; how it stands with the second, where that has a search.</summary>
    public static SearchProgress operator +(SearchProgress one, SearchProgress other) =>
        (other.IsThere ? other : one) with { Tried = one.Tried + other.Tried, Adopted = one.Adopted + other.Adopted };
}
