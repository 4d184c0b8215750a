namespace SpecDecode.Drafting;

/// <summary>What the policy that all requests share thinks of drafting.</summary>
/// <param name="IsKnown">Whether it has compared anything yet.</param>
/// <param name="Plan">The plan that is expected to pay best; null where none is.</param>
/// <param name="ExpectedSpeedup">Tokens per second that are expected, over those of plain decoding; 1 without a plan.</param>
/// <param name="CalibrationError">
/// Mean difference between the chances that were said of that plan's draft tokens and how many were accepted; of the last one that drafted,
/// where none is expected to pay. 0 without any.
/// </param>
/// <param name="JudgedTokens">Draft tokens of the same plan whose outcome is remembered.</param>
internal readonly record struct DraftChoice(bool IsKnown, DraftPlan? Plan, double ExpectedSpeedup, double CalibrationError, double JudgedTokens = 0);
