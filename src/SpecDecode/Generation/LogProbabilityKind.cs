namespace SpecDecode.Generation;

/// <summary>Of which logits log probabilities are.</summary>
public enum LogProbabilityKind
{
    /// <summary>Those of the model itself, at temperature 1: what the OpenAI API means.</summary>
    Raw,

    /// <summary>
    /// Those that tokens are chosen from: behind bias, bans, constraints and penalties, over the temperature (1 where that is 0). What top-k, top-p, min-p and top-n-sigma cut
    /// off is still there.
    /// </summary>
    Processed,
}
