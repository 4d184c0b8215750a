using SpecDecode.Scheduling;

namespace SpecDecode.Verification;

/// <summary>
/// A rule by which drafter and verifier choose tokens. Whatever is drafted, the text is distributed as if the verifier had
/// chosen every token alone.
/// </summary>
internal interface IAcceptance
{
    /// <summary>The drafter's token at the next place of the round's draft; what judging it needs is noted in the round.</summary>
    /// <param name="round">The round.</param>
    /// <param name="logits">The drafter's logits there, <c>[V]</c>; none is NaN, the highest is finite.</param>
    int Draft(Round round, ReadOnlySpan<float> logits);

    /// <summary>Accepts the draft token at the round's next place, or puts the verifier's own token there, or behind the draft.</summary>
    /// <param name="round">A round that is not decided.</param>
    /// <param name="logits">The verifier's logits there, <c>[V]</c>; none is NaN, the highest is finite.</param>
    void Judge(Round round, ReadOnlySpan<float> logits);
}
