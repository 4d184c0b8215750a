namespace SpecDecode.Drafting;

/// <summary>Whether a token may be proposed behind a draft.</summary>
/// <param name="draft">The draft so far.</param>
/// <param name="token">The token.</param>
internal delegate bool ProposalCheck(ReadOnlySpan<int> draft, int token);
