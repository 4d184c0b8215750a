namespace SpecDecode.Sampling;

/// <summary>What a uniform number is for; each has its own at every place of a text.</summary>
internal enum RandomUse
{
    /// <summary>Drawing a token: the drafter's, or the verifier's where none was drafted.</summary>
    Draw,

    /// <summary>Accepting a draft token.</summary>
    Accept,

    /// <summary>Drawing a token in place of one that was not accepted.</summary>
    Residual,
}
