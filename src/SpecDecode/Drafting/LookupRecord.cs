using SpecDecode.Sampling;

namespace SpecDecode.Drafting;

/// <summary>
/// How often what a text's own past proposes is accepted, by the length of the match; apart where another match went on otherwise, since there
/// a part that repeats may end.
/// </summary>
internal sealed class LookupRecord
{
    /// <summary>Most tokens that are proposed at once.</summary>
    public const int MostTokens = 24;

    // Two matching tokens say little; what has matched for long goes on.
    private const float Doubt = 1.4f;

    // Of two that went on otherwise one is right, as far as is known at first.
    private const float Doubted = 0.5f;

    private readonly AcceptanceCalibration[] _calibrations = [new(), new(), new()];
    private readonly AcceptanceCalibration[] _doubted = [new(), new(), new()];

    /// <summary>The chance of the token behind a match.</summary>
    /// <param name="rule">How tokens are judged.</param>
    /// <param name="match">Tokens that match, those proposed before it included.</param>
    /// <param name="isDoubted">Whether another match went on otherwise.</param>
    public double Chance(AcceptanceRule rule, int match, bool isDoubted) => Of(rule, isDoubted).Chance(Confidence(match, isDoubted));

    /// <summary>Takes what became of a token.</summary>
    public void Add(AcceptanceRule rule, int match, bool isDoubted, bool accepted) => Of(rule, isDoubted).Add(Confidence(match, isDoubted), accepted);

    /// <summary>A copy of what was learnt, by rule; then of what was learnt where there was doubt.</summary>
    public (CalibrationState[] Agreed, CalibrationState[] Doubted) Snapshot() => (LearntLists.Snapshot(_calibrations), LearntLists.Snapshot(_doubted));

    /// <summary>Takes what a snapshot has in place of what was learnt.</summary>
    /// <param name="agreed">By rule; sound.</param>
    /// <param name="doubted">Where there was doubt; sound.</param>
    public void Restore(CalibrationState[] agreed, CalibrationState[] doubted)
    {
        LearntLists.Restore(agreed, _calibrations);
        LearntLists.Restore(doubted, _doubted);
    }

    private AcceptanceCalibration Of(AcceptanceRule rule, bool isDoubted) => (isDoubted ? _doubted : _calibrations)[(int)rule];

    private static float Confidence(int match, bool isDoubted) => (1 - Doubt / Math.Max(2, match)) * (isDoubted ? Doubted : 1);
}
