namespace SpecDecode.Drafting;

/// <summary>A pass of the drafter.</summary>
/// <param name="Plan">What it ran.</param>
/// <param name="Rows">Its rows: one for each draft, and more where tokens were proposed before.</param>
/// <param name="Time">How long it took.</param>
public readonly record struct DraftPass(DraftPlan Plan, int Rows, TimeSpan Time)
{
    private readonly int _drafts;

    /// <summary>Drafts in it; as many as rows where nobody says.</summary>
    internal int Drafts { get => _drafts > 0 ? _drafts : Rows; init => _drafts = value; }
}
