using System.Diagnostics;
using SpecDecode.Generation;

namespace SpecDecode.Diagnostics;

/// <summary>The span of a request, under that of whoever made it. Nothing is made while nobody listens.</summary>
internal static class RequestActivity
{
    /// <summary>Name of the source.</summary>
    public const string SourceName = "SpecDecode";

    private static readonly ActivitySource Source = new(SourceName, typeof(RequestActivity).Assembly.GetName().Version?.ToString());

    /// <summary>Begins a span; null when nobody listens. The caller's own stays the current one.</summary>
    public static Activity? Start(string model, int promptTokens, int maxNewTokens, int draftLength)
    {
        Activity? caller = Activity.Current;
        Activity? activity = Source.StartActivity($"{TelemetryNames.Operation} {model}", ActivityKind.Internal);
        if (activity is null)
        {
            return null;
        }

        Activity.Current = caller;
        activity.SetTag(TelemetryNames.OperationName, TelemetryNames.Operation);
        activity.SetTag(TelemetryNames.ProviderName, TelemetryNames.Provider);
        activity.SetTag(TelemetryNames.RequestModel, model);
        activity.SetTag("gen_ai.request.max_tokens", maxNewTokens);
        activity.SetTag("gen_ai.usage.input_tokens", promptTokens);
        activity.SetTag("specdecode.draft.length", draftLength);
        return activity;
    }

    /// <summary>Ends a span with what came of the request.</summary>
    public static void Stop(Activity? activity, GenerationResult? result, Exception? error)
    {
        if (activity is null)
        {
            return;
        }

        if (result is not null)
        {
            DraftStatistics drafting = result.Drafting;
            activity.SetTag("gen_ai.usage.output_tokens", result.Tokens.Count);
            activity.SetTag("gen_ai.response.finish_reasons", new[] { TelemetryNames.Of(result.FinishReason) });
            activity.SetTag("specdecode.rounds", drafting.Rounds);
            activity.SetTag("specdecode.draft.drafted", drafting.Drafted);
            activity.SetTag("specdecode.draft.evaluated", drafting.Evaluated);
            activity.SetTag("specdecode.draft.accepted", drafting.Accepted);
            activity.SetTag("specdecode.acceptance_rate", drafting.AcceptanceRate);
            activity.SetTag("specdecode.mean_acceptance_length", drafting.MeanAcceptanceLength);
        }

        if (error is not null)
        {
            activity.SetTag(TelemetryNames.ErrorType, error.GetType().FullName);
            activity.SetStatus(ActivityStatusCode.Error, error.Message);
        }

        activity.Dispose();
    }
}
