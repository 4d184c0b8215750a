using System.Diagnostics;
using System.Runtime.CompilerServices;
using SpecDecode.ChatTemplates;
using SpecDecode.Drafting;
using SpecDecode.Sampling;
using SpecDecode.Sequences;

namespace SpecDecode.Diagnostics;

/// <summary>The span of a request, under that of whoever made it. Nothing is made while nobody listens.</summary>
internal static class RequestActivity
{
    private static readonly ActivitySource Source = new(
        SpecDecodeTelemetry.ActivitySourceName, typeof(RequestActivity).Assembly.GetName().Version?.ToString());

    // The spans of requests that run, for what the engine's thread has to say about them.
    private static readonly ConditionalWeakTable<Sequence, Activity> Running = [];

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
        if (activity is not null)
        {
            Running.Add(sequence, activity);
        }

        return activity;
    }

    /// <summary>The span of a request while it runs; null where there is none.</summary>
    public static Activity? Of(Sequence sequence) =>
        Source.HasListeners() && Running.TryGetValue(sequence, out Activity? activity) && !activity.IsStopped ? activity : null;

    /// <summary>Adds an event for the last round of a request, where it has a span. Called by the thread that runs the steps.</summary>
    public static void AddRound(Sequence sequence)
    {
        if (Of(sequence) is { IsAllDataRequested: true } activity)
        {
            RoundRecord round = sequence.LastRound;
            activity.AddEvent(new ActivityEvent("specdecode.round", tags: new ActivityTagsCollection
            {
                [TelemetryNames.DraftReasonName] = TelemetryNames.Of(round.Reason),
                ["specdecode.draft.drafted"] = round.Drafted,
                ["specdecode.draft.evaluated"] = round.Evaluated,
                ["specdecode.draft.accepted"] = round.Accepted,
                ["specdecode.output_tokens"] = round.Appended,
                ["specdecode.draft.time"] = round.DraftTime.TotalSeconds,
                ["specdecode.verify.time"] = round.VerifyTime.TotalSeconds,
            }));
        }
    }

    /// <summary>Adds what was asked and what was answered, by the conventions' own attributes.</summary>
    /// <param name="activity">The span; null for none.</param>
    /// <param name="prompt">The prompt; null where there were messages.</param>
    /// <param name="messages">The messages; null where there was a prompt.</param>
    /// <param name="answer">The answer; null where there is none.</param>
    /// <param name="reason">Why it ended; null where it did not.</param>
    public static void AddContent(Activity? activity, string? prompt, IReadOnlyList<ChatMessage>? messages, string? answer, FinishReason? reason)
    {
        if (activity is { IsAllDataRequested: true })
        {
            activity.SetTag("gen_ai.input.messages", MessageContent.Input(prompt, messages));
            if (answer is not null)
            {
                activity.SetTag("gen_ai.output.messages", MessageContent.Output(answer, reason));
            }
        }
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

        AddPhases(activity, sequence);
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

    // Made when all is known, with the times that they had.
    private static void AddPhases(Activity activity, Sequence sequence)
    {
        if (!activity.IsAllDataRequested)
        {
            return;
        }

        Activity? caller = Activity.Current;
        DateTime now = DateTime.UtcNow;
        long timestamp = Stopwatch.GetTimestamp();
        void Add(string name, long from, long to, params ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            if (Source.StartActivity(name, ActivityKind.Internal, activity.Context, [.. tags], startTime: now - Stopwatch.GetElapsedTime(from, timestamp)) is { } phase)
            {
                phase.SetEndTime(now - Stopwatch.GetElapsedTime(to, timestamp));
                phase.Dispose();
            }
        }

        (long admitted, long first, long ended) = (sequence.AdmittedTimestamp, sequence.FirstTokenTimestamp, sequence.EndedTimestamp);
        Add("queue", sequence.EnqueuedTimestamp, admitted == 0 ? ended : admitted);
        if (admitted > 0)
        {
            Add("prefill", admitted, first == 0 ? ended : first, new KeyValuePair<string, object?>("gen_ai.usage.input_tokens", sequence.PromptLength));
        }

        if (sequence.NewTokens.Length > 1)
        {
            Add(
                "decode", first, ended, new("gen_ai.usage.output_tokens", sequence.NewTokens.Length), new("specdecode.rounds", sequence.Statistics.Rounds),
                new("specdecode.draft.time", sequence.Statistics.DraftTime.TotalSeconds), new("specdecode.verify.time", sequence.Statistics.VerifyTime.TotalSeconds));
        }

        Activity.Current = caller;
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
