namespace SpecDecode.Evaluation;

/// <summary>What drafting by a plan takes, in seconds.</summary>
/// <param name="Plain">A pass of the full model over one row: a token of plain decoding.</param>
/// <param name="DraftRow">A pass of the drafter over one row.</param>
/// <param name="Verify">The verifying pass of a draft of one token, of two, and so on.</param>
internal sealed record PlanCosts(double Plain, double DraftRow, IReadOnlyList<double> Verify)
{
    /// <summary>
    /// What a plan promises: over draft lengths k the most of (1 + a1 + a1·a2 + … )·V(1) / (k·D + V(k + 1)), where a are the chances that
    /// tokens are accepted, D is a row of the drafter and V(n) verification of n rows.
    /// </summary>
    /// <param name="agreement">The chances.</param>
    /// <returns>The speed-up over plain decoding, which may be below 1, and the draft length that gives it.</returns>
    public ExpectedSpeedup Best(AgreementTally agreement)
    {
        ExpectedSpeedup best = default;
        for (int length = 1; length <= Math.Min(agreement.Length, Verify.Count); length++)
        {
            double speedup = (1 + agreement.ExpectedAccepted(length)) * Plain / (length * DraftRow + Verify[length - 1]);
            if (speedup > best.Speedup)
            {
                best = new ExpectedSpeedup(speedup, length);
            }
        }

        return best;
    }
}

/// <summary>What drafting is expected to bring.</summary>
/// <param name="Speedup">Tokens per second over those of plain decoding.</param>
/// <param name="DraftLength">Tokens of a draft.</param>
internal readonly record struct ExpectedSpeedup(double Speedup, int DraftLength);
