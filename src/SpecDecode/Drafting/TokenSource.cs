namespace SpecDecode.Drafting;

/// <summary>How a token came into the text.</summary>
public enum TokenSource
{
    /// <summary>The verifier wrote it in a step without a draft; the first token of a text is always of these.</summary>
    Plain,

    /// <summary>A pass of the drafter drafted it, and it was accepted.</summary>
    AcceptedDraft,

    /// <summary>The verifier put it in place of a draft token that it did not accept.</summary>
    Correction,

    /// <summary>The verifier wrote it behind a draft that it accepted as a whole.</summary>
    Bonus,

    /// <summary>A constraint left nothing else, so it was proposed without the drafter, and accepted.</summary>
    Forced,

    /// <summary>The text's own past proposed it (prompt lookup), or a policy, without a pass of the drafter, and it was accepted.</summary>
    LookedUp,
}
