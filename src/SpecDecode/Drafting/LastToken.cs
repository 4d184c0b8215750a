namespace SpecDecode.Drafting;

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
