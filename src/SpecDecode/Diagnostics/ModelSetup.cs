using SpecDecode.Drafting;
using SpecDecode.Stages;

namespace SpecDecode.Diagnostics;

/// <summary>How a model is set up, in the words of logs, spans and metrics.</summary>
/// <param name="Precision">What its matrices are stored as.</param>
/// <param name="DraftPrecision">The precision of the copy of the weights that drafts; null where there is none.</param>
/// <param name="Threads">Threads that compute; null where nobody has said how many.</param>
/// <param name="Draft">How requests draft that do not say; null for plain decoding.</param>
/// <param name="Kernels">Whose code multiplies by matrices, and for which instruction set.</param>
internal sealed record ModelSetup(Precision Precision, Precision? DraftPrecision, int? Threads, SequenceDrafting? Draft, string Kernels = "")
{
    private const string Default = "default";

    /// <summary>The model's precision.</summary>
    public string PrecisionName => TelemetryNames.Of(Precision);

    /// <summary>The precision in which is drafted; that of the copy that is there for it, where nothing is.</summary>
    public string DraftPrecisionName => DraftPrecision is { } copy ? TelemetryNames.Of(copy) : Draft is null ? DraftingStrategy.None : PrecisionName;

    /// <summary>The threads; <c>default</c> where nobody has said how many.</summary>
    public string ThreadsName => Threads?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? Default;

    /// <summary>Who decides how far is drafted; <c>none</c> where nobody drafts.</summary>
    public string PolicyName => Draft is null ? DraftingStrategy.None : Draft.FixedPlan is null ? Draft.Strategy : DraftingPolicy.NameOf(Draft.Policy) ?? "policy";

    /// <summary>In which way is drafted.</summary>
    /// <param name="draft">How; null for plain decoding.</param>
    public static string StrategyOf(SequenceDrafting? draft) => draft is null ? DraftingStrategy.None : draft.FixedPlan?.Options.Strategy ?? draft.Strategy;

    /// <summary>All of it as attributes.</summary>
    public IEnumerable<KeyValuePair<string, object?>> Attributes() =>
        [.. DraftAttributes(Draft, Precision, DraftPrecision), new(TelemetryNames.Precision, PrecisionName), new(TelemetryNames.Threads, ThreadsName)];

    /// <summary>How is drafted as attributes; of what the strategy does not have there is none.</summary>
    /// <param name="draft">How; null for plain decoding.</param>
    /// <param name="precision">The model's precision.</param>
    /// <param name="draftPrecision">That of the copy of the weights that drafts; null where there is none.</param>
    public static IEnumerable<KeyValuePair<string, object?>> DraftAttributes(SequenceDrafting? draft, Precision precision, Precision? draftPrecision)
    {
        if (draft is null)
        {
            yield return new(TelemetryNames.DraftStrategy, StrategyOf(draft));
            yield return new(TelemetryNames.DraftLength, 0);
            yield break;
        }

        if (draft.FixedPlan is not { } plan)
        {
            yield return new(TelemetryNames.DraftStrategy, StrategyOf(draft));
            yield return new(TelemetryNames.DraftLength, draft.MaxLength);
            yield break;
        }

        DraftingOptions options = plan.Options;
        yield return new(TelemetryNames.DraftStrategy, StrategyOf(draft));
        if (options.ExitLayer is { } exitLayer)
        {
            yield return new(TelemetryNames.DraftExitLayer, exitLayer);
        }

        if (options.SkipAttention.Count > 0)
        {
            yield return new(TelemetryNames.DraftSkipAttention, string.Join(',', options.SkipAttention));
        }

        if (options.SkipMlp.Count > 0)
        {
            yield return new(TelemetryNames.DraftSkipMlp, string.Join(',', options.SkipMlp));
        }

        yield return new(TelemetryNames.DraftLength, plan.Length);
        if (plan.Cascade is { } cascade)
        {
            yield return new(TelemetryNames.DraftCascadeExits, string.Join(',', options.CascadeExits));
            yield return new(TelemetryNames.DraftCascadeLength, cascade.Length);
        }

        string? policy = DraftingPolicy.NameOf(draft.Policy);
        if (policy != DraftingPolicy.Fixed)
        {
            yield return new(TelemetryNames.DraftPolicy, policy);
        }

        if (policy != DraftingPolicy.AdaptiveThreshold)
        {
            // As it was written: 0.1 and not what a float makes of it.
            yield return new(TelemetryNames.DraftThreshold, (double)(decimal)plan.Threshold);
        }

        yield return new(TelemetryNames.DraftPrecision, TelemetryNames.Of(plan.Weights == WeightSet.Drafter ? draftPrecision ?? precision : precision));
    }
}
