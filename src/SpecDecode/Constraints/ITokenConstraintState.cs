using SpecDecode.Drafting;

namespace SpecDecode.Constraints;

/// <summary>
/// A constraint on its way through one text. It sees draft tokens as well as committed ones: it is advanced by each token that a draft tries, asked for the
/// logits behind it, and taken back where the draft does not stand. Called by the thread that runs the steps, for every row of logits: it should
/// allocate nothing and take no lock. What it throws ends its request, and no other one.
/// </summary>
public interface ITokenConstraintState
{
    /// <summary>Takes the next token.</summary>
    /// <param name="token">Its id. Also one that <see cref="Process"/> has masked may come, where it was proposed by somebody else; it will be taken back.</param>
    void Advance(int token);

    /// <summary>Takes the last tokens back.</summary>
    /// <param name="count">How many, at least 1: never more than it was advanced by, and at most <see cref="MaxRollback"/>.</param>
    void Rollback(int count);

    /// <summary>Changes the logits of the next token. Drafter and verifier choose from what it leaves, with the request's temperature and limits.</summary>
    /// <param name="logits">A logit for each token id, <c>[V]</c>. −∞ masks a token; at least one must stay finite, or the request fails.</param>
    void Process(Span<float> logits);

    /// <summary>
    /// Whether a token may come next, as far as that can be told without logits: tokens that are proposed without a pass of the drafter end before one that may not.
    /// </summary>
    /// <param name="token">Its id.</param>
    /// <returns>True by default.</returns>
    bool Allows(int token) => true;

    /// <summary>
    /// Tokens that must come next since nothing else may: they are verified in the next pass without being drafted. It is only a proposal, judged by the
    /// logits behind <see cref="Process"/> like any other.
    /// </summary>
    /// <param name="tokens">Takes the tokens.</param>
    /// <returns>How many there are; 0 by default.</returns>
    int Forced(Span<int> tokens) => 0;

    /// <summary>Most tokens that a text is ever taken back by: as many as a draft may have.</summary>
    const int MaxRollback = DraftingOptions.MaxDraftLength;
}
