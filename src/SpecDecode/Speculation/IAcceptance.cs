using SpecDecode.Sampling;

namespace SpecDecode.Speculation;

/// <summary>
/// A rule by which drafter and verifier choose tokens. Whatever is drafted, the text is distributed as if the verifier had
/// chosen every token alone.
/// </summary>
internal interface IAcceptance
{
    /// <summary>The drafter's token at a place of the round's draft; what judging it needs is noted in the round.</summary>
    /// <param name="round">The round.</param>
    /// <param name="place">The place, from 0: the next one, or one behind it that is guessed. What is noted last for a place holds.</param>
    /// <param name="row">The drafter's logits there; a token can be chosen from them.</param>
    int Draft(Round round, int place, LogitRow row);

    /// <summary>Accepts the draft token at the round's next place, or puts the verifier's own token there, or behind the draft.</summary>
    /// <param name="round">A round that is not decided.</param>
    /// <param name="row">The verifier's logits there; a token can be chosen from them.</param>
    void Judge(Round round, LogitRow row);
}
