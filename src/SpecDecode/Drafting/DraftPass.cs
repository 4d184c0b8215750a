namespace SpecDecode.Drafting;

/// <summary>A pass of the drafter.</summary>
/// <param name="Plan">What it ran.</param>
/// <param name="Rows">Its rows: one for each draft, and more where tokens were proposed before.</param>
/// <param name="Time">How long it took.</param>
public readonly record struct DraftPass(DraftPlan Plan, int Rows, TimeSpan Time);
