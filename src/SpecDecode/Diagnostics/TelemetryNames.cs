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

    /// <summary>Attribute: place of a token in its draft, from 0.</summary>
    public const string DraftPosition = "specdecode.draft.position";

    /// <summary>What is done.</summary>
    public const string Operation = "text_completion";

    /// <summary>By whom.</summary>
    public const string Provider = "specdecode";

    /// <summary>A finish reason as it is written.</summary>
    public static string Of(FinishReason reason) => reason switch
    {
        FinishReason.Stop => "stop",
        FinishReason.Length => "length",
        FinishReason.Cancelled => "cancelled",
        FinishReason.Shutdown => "shutdown",
        FinishReason.Failed => "failed",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "There is no such reason."),
    };
}
