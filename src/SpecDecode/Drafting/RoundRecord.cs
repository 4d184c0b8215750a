namespace SpecDecode.Drafting;

/// <summary>What one round did for one sequence.</summary>
internal readonly record struct RoundRecord
{
    /// <summary>Draft tokens; 0 is a plain step.</summary>
    public required int Drafted { get; init; }

    /// <summary>Those of them that the text itself proposed (prompt lookup, or a policy's own), and no pass of the drafter.</summary>
    public int LookedUp { get; init; }

    /// <summary>Draft tokens that a constraint forced; they cost no pass of the drafter either, and come first.</summary>
    public int Forced { get; init; }

    /// <summary>Why the round has its draft, or none.</summary>
    public DraftReason Reason { get; init; }

    /// <summary>Draft tokens that acceptance looked at: the accepted ones and the first that was not.</summary>
    public required int Evaluated { get; init; }

    /// <summary>Draft tokens that became output: those at the positions 0 to Accepted − 1 of the draft.</summary>
    public required int Accepted { get; init; }

    /// <summary>Guesses of a cascade's levels that the level above judged.</summary>
    public int Guessed { get; init; }

    /// <summary>Those of them that were its own choice.</summary>
    public int GuessesTaken { get; init; }

    /// <summary>Tokens that became output: the accepted ones and, unless the text ended before it, the verifier's own.</summary>
    public required int Appended { get; init; }

    /// <summary>How the verifier's own token came; null where there is none: an accepted draft token ended the text, or the draft left the verifier no numbers.</summary>
    public required TokenSource? VerifierToken { get; init; }

    /// <summary>Rows that the drafter ran.</summary>
    public required int DraftRows { get; init; }

    /// <summary>Rows that the verifier ran at full depth.</summary>
    public required int VerifyRows { get; init; }

    /// <summary>The rows' share of the step's draft passes.</summary>
    public required TimeSpan DraftTime { get; init; }

    /// <summary>The rows' share of the step's verifying pass.</summary>
    public required TimeSpan VerifyTime { get; init; }

    /// <summary>Draft tokens that did not become output.</summary>
    public int Discarded => Drafted - Accepted;
}
