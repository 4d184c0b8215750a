using System.Globalization;

namespace SpecDecode.Sampling;

/// <summary>
/// How tokens are chosen. The distribution is the softmax of the logits over the temperature, cut first to the
/// <see cref="TopK"/> most probable tokens, then to <see cref="TopP"/> of their mass, then at <see cref="MinP"/> and at <see cref="TopNSigma"/>; drafter and
/// verifier use the same. Section <c>Sampling</c> of the configuration, and what a request may say in its place.
/// </summary>
public sealed record SamplingOptions
{
    /// <summary>The arg max, always.</summary>
    public static SamplingOptions Greedy => new();

    /// <summary>Divides the logits: below 1 the text is surer, above 1 more varied. 0 takes the most probable token.</summary>
    /// <value>The default is 0. Finite and not negative.</value>
    public float Temperature { get; set; }

    /// <summary>Only so many of the most probable tokens may be chosen; of equal ones those with the lower ids. 0 is no limit.</summary>
    /// <value>The default is 0. Not negative.</value>
    public int TopK { get; set; }

    /// <summary>Nucleus (1904.09751): only the most probable tokens that together reach this probability. 1 is no limit.</summary>
    /// <value>The default is 1. Above 0, at most 1.</value>
    public float TopP { get; set; } = 1;

    /// <summary>Only tokens with at least this share of the most probable token's probability (2407.01082). 0 is no limit.</summary>
    /// <value>The default is 0. 0 to 1.</value>
    public float MinP { get; set; }

    /// <summary>
    /// Top-nσ (2411.07641): only tokens whose logit lies at most so many standard deviations of the row's logits below the highest. Which these are does not
    /// depend on <see cref="Temperature"/>. Logits that are masked do not count. 0 is no limit.
    /// </summary>
    /// <value>The default is 0. Finite and not negative; 1 is usual.</value>
    public float TopNSigma { get; set; }

    /// <summary>
    /// Makes tokens of prompt and output less likely: a logit above 0 is divided by it, one below multiplied (CTRL, 1909.05858). Below 1 they become likelier.
    /// Penalties come before <see cref="Temperature"/> and hold at temperature 0 too.
    /// </summary>
    /// <value>The default, 1, changes nothing. Above 0, at most 100.</value>
    public float RepetitionPenalty { get; set; } = 1;

    /// <summary>Is subtracted from a token's logit for each time that the output has it.</summary>
    /// <value>The default is 0. −2 to 2.</value>
    public float FrequencyPenalty { get; set; }

    /// <summary>Is subtracted from a token's logit where the output has it, however often.</summary>
    /// <value>The default is 0. −2 to 2.</value>
    public float PresencePenalty { get; set; }

    /// <summary>The three penalties look at so many of the last tokens, prompt and output together. 0 is all of them.</summary>
    /// <value>The default is 0. Not negative.</value>
    public int PenaltyWindow { get; set; }

    /// <summary>Makes the choices reproducible; null draws a new seed for each request.</summary>
    /// <value>The default is null.</value>
    public long? Seed { get; set; }

    /// <summary>Tells several answers to the same prompt with the same seed apart.</summary>
    /// <value>The default is 0. Not negative.</value>
    public int ChoiceIndex { get; set; }

    /// <summary>How draft tokens are accepted.</summary>
    /// <value>
    /// The default, null, is <see cref="AcceptanceRule.Greedy"/> at temperature 0, else <see cref="AcceptanceRule.SharedNoise"/>
    /// with a seed and <see cref="AcceptanceRule.Rejection"/> without.
    /// </value>
    public AcceptanceRule? Acceptance { get; set; }

    /// <summary>The rule that holds: <see cref="Acceptance"/>, or what stands in for it.</summary>
    public AcceptanceRule EffectiveAcceptance => Acceptance
        ?? (Temperature == 0 ? AcceptanceRule.Greedy : Seed is null ? AcceptanceRule.Rejection : AcceptanceRule.SharedNoise);

    /// <summary>Whether a penalty changes anything.</summary>
    internal bool HasPenalty => RepetitionPenalty != 1 || FrequencyPenalty != 0 || PresencePenalty != 0;

    /// <summary>What is wrong with the options, a sentence each, which begins with the option's name and says the mend.</summary>
    internal IEnumerable<string> Errors()
    {
        static string Number(float number) => number.ToString(CultureInfo.InvariantCulture);
        bool hasTemperature = float.IsFinite(Temperature) && Temperature >= 0;
        if (!hasTemperature)
        {
            yield return $"Temperature is {Number(Temperature)}: give 0 (greedy) or more.";
        }

        if (TopK < 0)
        {
            yield return $"TopK is {TopK}: give 1 or more, or 0 for no limit.";
        }

        if (!(TopP is > 0 and <= 1))
        {
            yield return $"TopP is {Number(TopP)}: give a probability above 0, at most 1 (no limit).";
        }

        if (!(MinP is >= 0 and <= 1))
        {
            yield return $"MinP is {Number(MinP)}: give a share from 0 (no limit) to 1.";
        }

        if (!(float.IsFinite(TopNSigma) && TopNSigma >= 0))
        {
            yield return $"TopNSigma is {Number(TopNSigma)}: give a number of standard deviations, or 0 for no limit.";
        }

        if (!(RepetitionPenalty is > 0 and <= 100))
        {
            yield return $"RepetitionPenalty is {Number(RepetitionPenalty)}: give a number above 0, at most 100; 1 changes nothing.";
        }

        if (!(FrequencyPenalty is >= -2 and <= 2))
        {
            yield return $"FrequencyPenalty is {Number(FrequencyPenalty)}: give a number from -2 to 2; 0 changes nothing.";
        }

        if (!(PresencePenalty is >= -2 and <= 2))
        {
            yield return $"PresencePenalty is {Number(PresencePenalty)}: give a number from -2 to 2; 0 changes nothing.";
        }

        if (PenaltyWindow < 0)
        {
            yield return $"PenaltyWindow is {PenaltyWindow}: give a number of tokens, or 0 for all.";
        }

        if (ChoiceIndex < 0)
        {
            yield return $"ChoiceIndex is {ChoiceIndex}: give 0 or more.";
        }

        if (Acceptance is { } rule && !Enum.IsDefined(rule))
        {
            yield return $"Acceptance is {(int)rule}: give Greedy, Rejection or SharedNoise.";
        }
        else if (Acceptance == AcceptanceRule.Greedy && Temperature > 0)
        {
            yield return $"Acceptance is Greedy, but Temperature is {Number(Temperature)}: greedy acceptance belongs to temperature 0; use Rejection or SharedNoise.";
        }
        else if (Acceptance is AcceptanceRule.Rejection or AcceptanceRule.SharedNoise && hasTemperature && Temperature == 0)
        {
            yield return $"Acceptance is {Acceptance}, but Temperature is 0: nothing is drawn there; use Greedy, or a higher temperature.";
        }
    }
}
