namespace SpecDecode.Drafting;

/// <summary>The names of the policies that decide how far a plan drafts, for <see cref="DraftingOptions.Policy"/>; read in any case.</summary>
public static class DraftingPolicy
{
    /// <summary>The same length in every round, and an end behind a token that is less probable than a threshold.</summary>
    public const string Fixed = "fixed";

    /// <summary>An end behind a token that is less probable than a threshold that adapts (<see cref="AdaptiveThresholdPolicy"/>).</summary>
    public const string AdaptiveThreshold = "adaptive-threshold";

    /// <summary>An end behind the first token of which the drafter is not sure (<see cref="ConfidenceStopPolicy"/>).</summary>
    public const string ConfidenceStop = "confidence-stop";

    /// <summary>The policy of a name in lower case; null where there is none.</summary>
    internal static IDraftPolicy? Find(string name) => name switch
    {
        Fixed => FixedDraftPolicy.Instance,
        AdaptiveThreshold => AdaptiveThresholdPolicy.Shared,
        ConfidenceStop => ConfidenceStopPolicy.Shared,
        _ => null,
    };

    /// <summary>The name of a policy that drafts by one plan; null for others.</summary>
    internal static string? NameOf(IDraftPolicy policy) => policy switch
    {
        FixedDraftPolicy => Fixed,
        AdaptiveThresholdPolicy => AdaptiveThreshold,
        ConfidenceStopPolicy => ConfidenceStop,
        _ => null,
    };
}
