using SpecDecode.Sampling;

namespace SpecDecode.Drafting;

/// <summary>How often what a text's own past proposes is accepted, by the length of the match.</summary>
internal sealed class LookupRecord
{
    /// <summary>Most tokens that are proposed at once.</summary>
    public const int MostTokens = 24;

    // Two matching tokens say little; what has matched for long goes on.
    private const float Doubt = 1.4f;

    private readonly AcceptanceCalibration[] _calibrations = [new(), new(), new()];

    /// <summary>The chance of the token behind a match.</summary>
    /// <param name="rule">How tokens are judged.</param>
    /// <param name="match">Tokens that match, those proposed before it included.</param>
    public double Chance(AcceptanceRule rule, int match) => _calibrations[(int)rule].Chance(Confidence(match));

    /// <summary>Takes what became of a token.</summary>
    public void Add(AcceptanceRule rule, int match, bool accepted) => _calibrations[(int)rule].Add(Confidence(match), accepted);

    /// <summary>A copy of what was learnt, by rule.</summary>
    public CalibrationState[] Snapshot() => LearntLists.Snapshot(_calibrations);

    /// <summary>Takes what a snapshot has in place of what was learnt.</summary>
    /// <param name="states">A snapshot that is sound.</param>
    public void Restore(CalibrationState[] states) => LearntLists.Restore(states, _calibrations);

    private static float Confidence(int match) => 1 - Doubt / Math.Max(2, match);
}
