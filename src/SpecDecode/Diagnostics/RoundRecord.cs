namespace SpecDecode.Diagnostics;

/// <summary>What one round did for one sequence.</summary>
/// <param name="Drafted">Tokens that the drafter proposed; 0 is a plain step.</param>
/// <param name="Evaluated">Draft tokens that acceptance looked at: the accepted ones and the first that was not.</param>
/// <param name="Accepted">Draft tokens that became output.</param>
/// <param name="Appended">Tokens that became output: the accepted ones and, unless the text ended before it, the verifier's own.</param>
/// <param name="Last">Where the verifier's own token came from.</param>
public readonly record struct RoundRecord(int Drafted, int Evaluated, int Accepted, int Appended, LastToken Last)
{
    /// <summary>Draft tokens that did not become output.</summary>
    public int Discarded => Drafted - Accepted;
}

/// <summary>What the verifier added behind the accepted draft tokens.</summary>
public enum LastToken
{
    /// <summary>Nothing: an accepted draft token ended the text.</summary>
    None,

    /// <summary>The token in place of the first draft token that was not accepted.</summary>
    Correction,

    /// <summary>One more token, since the whole draft was accepted.</summary>
    Bonus,

    /// <summary>The token of a plain step, which had no draft.</summary>
    Plain,
}
