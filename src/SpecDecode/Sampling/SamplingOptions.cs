using System.Globalization;

namespace SpecDecode.Sampling;

/// <summary>
/// How tokens are chosen. The distribution is the softmax of the logits over the temperature, cut first to the
/// <see cref="TopK"/> most probable tokens, then to <see cref="TopP"/> of their mass, then at <see cref="MinP"/>; drafter and
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
