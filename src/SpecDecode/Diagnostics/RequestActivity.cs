using System.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.Sampling;
using SpecDecode.Sequences;

namespace SpecDecode.Diagnostics;

/// <summary>The span of a request, under that of whoever made it. Nothing is made while nobody listens.</summary>
internal static class RequestActivity
{
    private static readonly ActivitySource Source = new(
        SpecDecodeTelemetry.ActivitySourceName, typeof(RequestActivity).Assembly.GetName().Version?.ToString());

    /// <summary>Begins a span; null when nobody listens. The caller's own stays the current one.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="precision">Its precision.</param>
    /// <param name="draftPrecision">That of the copy of its weights that drafts; null where there is none.</param>
    /// <param name="sequence">The request.</param>
    public static Activity? Start(string model, Precision precision, Precision? draftPrecision, Sequence sequence)
    {
        if (!Source.HasListeners())
        {
            return null;
        }

        // Given at the start, since samplers decide by them.
        SamplingOptions sampling = sequence.Sampler.Options;
        TagList tags = new()
        {
            { TelemetryNames.OperationName, TelemetryNames.Operation },
            { TelemetryNames.ProviderName, TelemetryNames.Provider },
            { TelemetryNames.RequestModel, model },
            { "gen_ai.request.max_tokens", sequence.Capacity - sequence.PromptLength },
            { "gen_ai.request.temperature", (double)sampling.Temperature },
            { "gen_ai.usage.input_tokens", sequence.PromptLength },
            { TelemetryNames.Precision, TelemetryNames.Of(precision) },
        };
        foreach (KeyValuePair<string, object?> tag in ModelSetup.DraftAttributes(sequence.Drafting, precision, draftPrecision))
        {
            tags.Add(tag);
        }

        if (sampling.Seed is { } seed)
        {
            tags.Add("gen_ai.request.seed", seed);
        }

        Activity? caller = Activity.Current;
        Activity? activity = Source.StartActivity(ActivityKind.Internal, tags: tags, name: $"{TelemetryNames.Operation} {model}");
        Activity.Current = caller;
        return activity;
    }

    /// <summary>Ends the span of a request that was not taken.</summary>
    public static void Refuse(Activity? activity, Exception error)
    {
        if (activity is not null)
        {
            SetError(activity, error);
            activity.Dispose();
        }
    }

    /// <summary>Ends the span of a request that has ended. That it was cancelled is no error.</summary>
    public static void Stop(Activity? activity, Sequence sequence)
    {
        if (activity is null)
        {
            return;
        }

        if (activity.IsAllDataRequested)
        {
            DraftingStatistics drafting = sequence.Statistics;
            SetEnd(activity, sequence.FinishReason!.Value, sequence.NewTokens.Length);
            activity.SetTag("specdecode.queue_time", sequence.QueueTime.TotalSeconds);
            activity.SetTag("specdecode.time_to_first_token", sequence.NewTokens.Length == 0 ? null : (sequence.QueueTime + sequence.PrefillTime).TotalSeconds);
            activity.SetTag("specdecode.rounds", drafting.Rounds);
            activity.SetTag("specdecode.draft.drafted", drafting.Drafted);
            activity.SetTag("specdecode.draft.evaluated", drafting.Evaluated);
            activity.SetTag("specdecode.draft.accepted", drafting.Accepted);
            activity.SetTag("specdecode.acceptance_rate", drafting.AcceptanceRate);
            activity.SetTag("specdecode.mean_acceptance_length", drafting.MeanAcceptanceLength);
        }

        if (sequence.Error is { } error)
        {
            SetError(activity, error);
        }

        activity.Dispose();
    }

    /// <summary>Ends the span of a request whose reader has left before its end; its sums are not known here.</summary>
    public static void Leave(Activity? activity, int outputTokens)
    {
        if (activity is not null)
        {
            SetEnd(activity, FinishReason.Cancelled, outputTokens);
            activity.Dispose();
        }
    }

    private static void SetEnd(Activity activity, FinishReason reason, int outputTokens)
    {
        activity.SetTag(TelemetryNames.ResponseModel, activity.GetTagItem(TelemetryNames.RequestModel));
        activity.SetTag("gen_ai.response.finish_reasons", new[] { TelemetryNames.Of(reason) });
        activity.SetTag("gen_ai.usage.output_tokens", outputTokens);
    }

    private static void SetError(Activity activity, Exception error)
    {
        activity.SetTag(TelemetryNames.ErrorType, error.GetType().FullName);
        activity.SetStatus(ActivityStatusCode.Error, error.Message);
    }
}
