namespace SpecDecode.Sampling;

/// <summary>How the verifier decides about draft tokens. Each rule is exact: the text is distributed as plain decoding's.</summary>
public enum AcceptanceRule
{
    /// <summary>A draft token stands where it is the arg max of the full model. For temperature 0.</summary>
    Greedy,

    /// <summary>
    /// Rejection sampling (Leviathan et al., 2211.17192; Chen et al., 2302.01318): a draft token stands with probability
    /// min(1, p/q), else a token is drawn from max(0, p − q). Accepts most often; the text depends on what was drafted.
    /// </summary>
    Rejection,

    /// <summary>
    /// Drafter and verifier choose with the same Gumbel noise, which depends on seed, choice, output position and token alone.
    /// The text is, token for token, what plain sampling with that seed gives, whatever was drafted and however it was batched.
    /// </summary>
    SharedNoise,
}
