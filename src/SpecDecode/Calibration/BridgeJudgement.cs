namespace SpecDecode.Calibration;

/// <summary>How near a map comes to the full model, on rows that nothing was fitted to.</summary>
/// <param name="Divergence">The mean divergence of the head's probabilities from the full model's; infinite where there is none.</param>
/// <param name="Agrees">For each row, whether its best token is the full model's.</param>
internal sealed record BridgeJudgement(double Divergence, bool[] Agrees)
{
    /// <summary>Whether agreement is better than another's by more than it scatters: by a standard error of the difference, which the rows make on which the two differ.</summary>
    /// <param name="other">The other's, of the same rows.</param>
    public bool IsBetterThan(BridgeJudgement other)
    {
        int won = 0;
        int lost = 0;
        for (int row = 0; row < Agrees.Length; row++)
        {
            won += Agrees[row] && !other.Agrees[row] ? 1 : 0;
            lost += !Agrees[row] && other.Agrees[row] ? 1 : 0;
        }

        return won - lost > Math.Sqrt(won + lost);
    }
}
