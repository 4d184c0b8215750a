using SpecDecode.Calibration;
using SpecDecode.Drafting;
using SpecDecode.Sampling;

namespace SpecDecode.Diagnostics;

/// <summary>Names and values that spans and metrics share; those with gen_ai are OpenTelemetry's conventions (in development).</summary>
internal static class TelemetryNames
{
    /// <summary>Attribute: what is done.</summary>
    public const string OperationName = "gen_ai.operation.name";

    /// <summary>Attribute: by whom.</summary>
    public const string ProviderName = "gen_ai.provider.name";

    /// <summary>Attribute: with which model.</summary>
    public const string RequestModel = "gen_ai.request.model";

    /// <summary>Attribute: which model answered; always the one that was asked.</summary>
    public const string ResponseModel = "gen_ai.response.model";

    /// <summary>Attribute: how it failed.</summary>
    public const string ErrorType = "error.type";

    /// <summary>Attribute: why a text ended.</summary>
    public const string FinishReasonName = "specdecode.finish_reason";

    /// <summary>Attribute: why a round has its draft, or none.</summary>
    public const string DraftReasonName = "specdecode.draft.reason";

    /// <summary>Attribute: the plan by which is drafted, in words.</summary>
    public const string DraftPlanName = "specdecode.draft.plan";

    /// <summary>Attribute: place of a token in its draft, from 0.</summary>
    public const string DraftPosition = "specdecode.draft.position";

    /// <summary>Attribute: in which way is drafted.</summary>
    public const string DraftStrategy = "specdecode.draft.strategy";

    /// <summary>Attribute: how many layers the drafter runs, where it leaves early.</summary>
    public const string DraftExitLayer = "specdecode.draft.exit_layer";

    /// <summary>Attribute: layers whose attention the drafter leaves out.</summary>
    public const string DraftSkipAttention = "specdecode.draft.skip_attention";

    /// <summary>Attribute: layers whose MLP the drafter leaves out.</summary>
    public const string DraftSkipMlp = "specdecode.draft.skip_mlp";

    /// <summary>Earlier exits that guess for the drafter, as a list with commas.</summary>
    public const string DraftCascadeExits = "specdecode.draft.cascade_exits";

    /// <summary>Tokens that each of them guesses.</summary>
    public const string DraftCascadeLength = "specdecode.draft.cascade_length";

    /// <summary>Attribute: most tokens of a draft; 0 for plain decoding.</summary>
    public const string DraftLength = "specdecode.draft.length";

    /// <summary>Attribute: who decides how far a plan drafts, where it is not a fixed length and threshold.</summary>
    public const string DraftPolicy = "specdecode.draft.policy";

    /// <summary>Attribute: the probability below which a draft ends.</summary>
    public const string DraftThreshold = "specdecode.draft.threshold";

    /// <summary>Attribute: the precision of the weights that draft.</summary>
    public const string DraftPrecision = "specdecode.draft.precision";

    /// <summary>Attribute: by which rule tokens are chosen and accepted.</summary>
    public const string AcceptanceRuleName = "specdecode.acceptance.rule";

    /// <summary>Attribute: whose pass.</summary>
    public const string PassName = "specdecode.pass";

    /// <summary>A pass of the drafter.</summary>
    public const string DraftPass = "draft";

    /// <summary>A pass of the verifier.</summary>
    public const string VerifyPass = "verify";

    /// <summary>Attribute: what the thread does that runs the steps.</summary>
    public const string ActivityName = "specdecode.engine.activity";

    /// <summary>Attribute: what the time of a loading went into.</summary>
    public const string LoadPhaseName = "specdecode.model.load.phase";

    /// <summary>Attribute: what a calibration does.</summary>
    public const string CalibrationPhaseName = "specdecode.calibration.phase";

    /// <summary>Attribute: the method by which a calibration searches.</summary>
    public const string CalibrationMethodName = "specdecode.calibration.method";

    /// <summary>Attribute: the precision of the model's weights.</summary>
    public const string Precision = "specdecode.precision";

    /// <summary>Attribute: threads that compute.</summary>
    public const string Threads = "specdecode.threads";

    /// <summary>What is done.</summary>
    public const string Operation = "text_completion";

    /// <summary>By whom.</summary>
    public const string Provider = "specdecode";

    /// <summary>A precision as it is written.</summary>
    public static string Of(SpecDecode.Precision precision) => precision.ToString().ToLowerInvariant();

    /// <summary>Why a round has its draft or none, as it is written.</summary>
    public static string Of(DraftReason reason) => reason switch
    {
        DraftReason.Disabled => "disabled",
        DraftReason.Drafted => "drafted",
        DraftReason.Probing => "probing",
        DraftReason.NotWorthIt => "not_worth_it",
        DraftReason.Busy => "busy",
        DraftReason.NoRoom => "no_room",
        DraftReason.Failed => "failed",
        DraftReason.Forced => "forced",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "There is no such reason."),
    };

    /// <summary>What a calibration does, as it is written.</summary>
    public static string Of(CalibrationPhase phase) => phase switch
    {
        CalibrationPhase.Writing => "writing",
        CalibrationPhase.Timing => "timing",
        CalibrationPhase.Searching => "searching",
        CalibrationPhase.Judging => "judging",
        CalibrationPhase.Measuring => "measuring",
        _ => throw new ArgumentOutOfRangeException(nameof(phase), phase, "There is no such phase."),
    };

    /// <summary>A rule as it is written in options.</summary>
    public static string Of(AcceptanceRule rule) => rule switch
    {
        AcceptanceRule.Greedy => "greedy",
        AcceptanceRule.Rejection => "rejection",
        AcceptanceRule.SharedNoise => "shared-noise",
        _ => throw new ArgumentOutOfRangeException(nameof(rule), rule, "There is no such rule."),
    };

    /// <summary>A finish reason as it is written.</summary>
    public static string Of(FinishReason reason) => reason switch
    {
        FinishReason.Stop => "stop",
        FinishReason.Length => "length",
        FinishReason.Deadline => "deadline",
        FinishReason.Cancelled => "cancelled",
        FinishReason.Shutdown => "shutdown",
        FinishReason.Failed => "failed",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "There is no such reason."),
    };
}
