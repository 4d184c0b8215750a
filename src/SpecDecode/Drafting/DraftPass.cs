namespace SpecDecode.Drafting;

/// <summary>A pass of the drafter.</summary>
/// <param name="Plan">What it ran.</param>
/// <param name="Rows">Its rows: one for each draft, and more where tokens were proposed before; of a plan with a cascade, also those whose tokens were guessed.</param>
/// <param name="Time">How long it took; of a plan with a cascade, with the passes that guessed for it.</param>
public readonly record struct DraftPass(DraftPlan Plan, int Rows, TimeSpan Time)
{
    private readonly int _drafts;

    /// <summary>Drafts in it; as many as rows where nobody says.</summary>
    internal int Drafts { get => _drafts > 0 ? _drafts : Rows; init => _drafts = value; }

    /// <summary>Tokens that it has added, to all drafts together; 0 where nobody says.</summary>
    internal int Tokens { get; init; }

    /// <summary>Whether it ran rows of tokens that were proposed.</summary>
    internal bool RunsProposed { get; init; }
}
