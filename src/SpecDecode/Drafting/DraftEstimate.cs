namespace SpecDecode.Drafting;

/// <summary>What <c>auto</c> thinks of a plan, by what it has learnt until now.</summary>
public sealed record DraftEstimate
{
    internal DraftEstimate()
    {
    }

    /// <summary>The plan.</summary>
    public required DraftPlan Plan { get; init; }

    /// <summary>
    /// Tokens per second that its best draft length was expected to bring in the last step in which it might be taken, over those of plain decoding; below 1
    /// where it would be slower. Null before such a step.
    /// </summary>
    public required double? ExpectedSpeedup { get; init; }

    /// <summary>Its draft tokens that were judged, as far as they are remembered: those of old texts fade.</summary>
    public required double JudgedTokens { get; init; }

    /// <summary>
    /// Expected calibration error: the mean difference between the chances that were said of these tokens and how many were accepted, 0 to 1. Some 0.05 is
    /// the outcomes' own scatter.
    /// </summary>
    public required double CalibrationError { get; init; }
}
