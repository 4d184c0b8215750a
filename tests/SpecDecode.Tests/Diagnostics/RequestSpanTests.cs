using System.Diagnostics;
using System.Text.Json;
using OpenTelemetry.Metrics;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.Diagnostics;

/// <summary>The span of a request, as OpenTelemetry gets it.</summary>
[Collection(Alone.Name)]
public sealed class RequestSpanTests
{
    private static readonly GenerationRequest Request = new()
    {
        Prompt = "Once upon a time", MaxTokens = 30, Sampling = new SamplingOptions { Temperature = 0.5f, Seed = 11 },
    };

    [Fact]
    public async Task A_request_has_a_span_under_its_callers_with_what_was_asked_and_what_came_of_it()
    {
        await using HostedStory story = await HostedStory.StartAsync();
        GenerationResult? result = null;
        using Activity caller = Collector.Caller.StartActivity("caller")!;
        await foreach (GenerationUpdate update in story.Generator.GenerateAsync(Request, TestContext.Current.CancellationToken))
        {
            Assert.Same(caller, Activity.Current);
            result = update.Result;
        }

        Assert.Same(caller, Activity.Current);
        Activity span = Assert.Single(story.Collector.RequestSpans());
        Assert.Equal("text_completion tales-10m", span.DisplayName);
        Assert.Equal(ActivityKind.Internal, span.Kind);
        Assert.Equal(caller.SpanId, span.ParentSpanId);
        Assert.Equal(caller.TraceId, span.TraceId);
        Assert.Equal(ActivityStatusCode.Unset, span.Status);
        Assert.Equal(
            new Dictionary<string, object?>
            {
                ["gen_ai.operation.name"] = "text_completion",
                ["gen_ai.provider.name"] = "specdecode",
                ["gen_ai.request.model"] = "tales-10m",
                ["gen_ai.response.model"] = "tales-10m",
                ["gen_ai.request.max_tokens"] = 30,
                ["gen_ai.request.temperature"] = 0.5,
                ["gen_ai.request.seed"] = 11L,
                ["gen_ai.usage.input_tokens"] = result!.PromptTokens,
                ["gen_ai.usage.output_tokens"] = result.Tokens.Count,
                ["gen_ai.response.finish_reasons"] = new[] { "length" },
                ["specdecode.draft.strategy"] = "early-exit",
                ["specdecode.draft.exit_layer"] = 2,
                ["specdecode.draft.length"] = 4,
                ["specdecode.draft.threshold"] = 0.0,
                ["specdecode.draft.precision"] = "bf16",
                ["specdecode.precision"] = "bf16",
                ["specdecode.rounds"] = result.Drafting.Rounds,
                ["specdecode.draft.drafted"] = result.Drafting.Drafted,
                ["specdecode.draft.evaluated"] = result.Drafting.Evaluated,
                ["specdecode.draft.accepted"] = result.Drafting.Accepted,
                ["specdecode.acceptance_rate"] = result.Drafting.AcceptanceRate,
                ["specdecode.mean_acceptance_length"] = result.Drafting.MeanAcceptanceLength,
                ["specdecode.queue_time"] = result.QueueTime.TotalSeconds,
                ["specdecode.time_to_first_token"] = (result.QueueTime + result.PrefillTime).TotalSeconds,
            }.OrderBy(tag => tag.Key),
            span.TagObjects.OrderBy(tag => tag.Key));
    }

    [Fact]
    public async Task A_span_says_how_its_own_request_drafted()
    {
        await using HostedStory story = await HostedStory.StartAsync(options => options.Model.DraftPrecision = Precision.Int8);
        foreach (DraftingOptions drafting in (DraftingOptions[])
        [
            DraftingOptions.None,
            new() { Strategy = "Early-Exit", DraftLength = 2 },
            DraftingOptions.LayerSkip([3, 5], [4]) with { Threshold = 0.1f },
            DraftingOptions.Of(LayerPlan.EarlyExit(12, 3)),
        ])
        {
            await story.Generator.CompleteAsync(Request with { MaxTokens = 3, Drafting = drafting }, TestContext.Current.CancellationToken);
        }

        string[] Of(string name) => [.. story.Collector.RequestSpans().Select(span => FormattableString.Invariant($"{span.GetTagItem(name)}"))];
        Assert.Equal(["none", "early-exit", "layer-skip", "plan"], Of("specdecode.draft.strategy"));
        Assert.Equal(["", "12", "", ""], Of("specdecode.draft.exit_layer"));
        Assert.Equal(["", "", "3,5", ""], Of("specdecode.draft.skip_attention"));
        Assert.Equal(["", "", "4", ""], Of("specdecode.draft.skip_mlp"));
        Assert.Equal(["0", "2", "4", "4"], Of("specdecode.draft.length"));
        Assert.Equal(["", "0", "0.1", "0"], Of("specdecode.draft.threshold"));
        Assert.Equal(["", "int8", "int8", "int8"], Of("specdecode.draft.precision"));
        Assert.Equal(["bf16", "bf16", "bf16", "bf16"], Of("specdecode.precision"));
    }

    [Fact]
    public async Task Requests_side_by_side_have_a_span_each_under_the_caller_of_each()
    {
        await using HostedStory story = await HostedStory.StartAsync();
        ActivitySpanId[] callers = await Task.WhenAll(Enumerable.Range(0, 6).Select(async i =>
        {
            using Activity caller = Collector.Caller.StartActivity("caller")!;
            await story.Generator.CompleteAsync(Request with { MaxTokens = 5 + i }, TestContext.Current.CancellationToken);
            Assert.Same(caller, Activity.Current);
            return caller.SpanId;
        }));

        Assert.Equal(
            callers.Select((caller, i) => (caller, (object?)(5 + i))).OrderBy(pair => pair.Item2),
            story.Collector.RequestSpans().Select(span => (span.ParentSpanId, span.GetTagItem("gen_ai.usage.output_tokens"))).OrderBy(pair => pair.Item2));
    }

    [Fact]
    public async Task A_request_that_is_refused_has_a_span_with_the_error()
    {
        await using HostedStory story = await HostedStory.StartAsync(options => (options.Runtime.MaxSequences, options.Runtime.MaxQueue) = (1, 0));
        using CancellationTokenSource cancellation = new();
        Task<GenerationResult> running = story.Generator.CompleteAsync(
            Request with { MaxTokens = 450, IgnoreEndOfSequence = true }, cancellation.Token);
        QueueFullException error = await Assert.ThrowsAsync<QueueFullException>(
            () => story.Generator.CompleteAsync(Request, TestContext.Current.CancellationToken));
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);

        Activity span = story.Collector.RequestSpans()[0];
        Assert.Equal(ActivityStatusCode.Error, span.Status);
        Assert.Equal(error.Message, span.StatusDescription);
        Assert.Equal(typeof(QueueFullException).FullName, span.GetTagItem("error.type"));
        Assert.Null(span.GetTagItem("gen_ai.response.finish_reasons"));
    }

    [Fact]
    public async Task A_request_has_its_phases_as_spans_below_its_own_which_follow_each_other()
    {
        await using HostedStory story = await HostedStory.StartAsync();
        GenerationResult result = await story.Generator.CompleteAsync(Request, TestContext.Current.CancellationToken);
        Activity span = Assert.Single(story.Collector.RequestSpans());
        Activity[] phases = story.Collector.PhaseSpans(span);
        Assert.Equal(["queue", "prefill", "decode"], phases.Select(phase => phase.OperationName));
        Assert.All(phases, phase => Assert.Equal(span.TraceId, phase.TraceId));
        TimeSpan tick = TimeSpan.FromMilliseconds(1);
        Assert.InRange(phases[0].StartTimeUtc, span.StartTimeUtc - tick, span.StartTimeUtc + span.Duration);
        Assert.InRange(phases[2].StartTimeUtc + phases[2].Duration, span.StartTimeUtc, span.StartTimeUtc + span.Duration + tick);
        Assert.Equal(result.QueueTime, phases[0].Duration, TimeComparer);
        Assert.Equal(result.PrefillTime, phases[1].Duration, TimeComparer);
        Assert.Equal(result.DecodeTime, phases[2].Duration, TimeComparer);
        Assert.Equal(result.PromptTokens, phases[1].GetTagItem("gen_ai.usage.input_tokens"));
        Assert.Equal(result.Tokens.Count, phases[2].GetTagItem("gen_ai.usage.output_tokens"));
        Assert.Empty(span.Events);
    }

    [Fact]
    public async Task Rounds_are_events_of_the_span_where_that_is_asked_for()
    {
        await using HostedStory story = await HostedStory.StartAsync(options => options.Telemetry.RoundEvents = true);
        GenerationResult result = await story.Generator.CompleteAsync(Request, TestContext.Current.CancellationToken);
        Activity span = Assert.Single(story.Collector.RequestSpans());
        ActivityEvent[] rounds = [.. span.Events];
        Assert.Equal(result.Drafting.Rounds, rounds.Length);
        Assert.All(rounds, round => Assert.Equal("specdecode.round", round.Name));
        int Sum(string key) => rounds.Sum(round => (int)round.Tags.Single(tag => tag.Key == key).Value!);
        Assert.Equal(
            (result.Drafting.Drafted, result.Drafting.Evaluated, result.Drafting.Accepted, result.Drafting.OutputTokens),
            (Sum("specdecode.draft.drafted"), Sum("specdecode.draft.evaluated"), Sum("specdecode.draft.accepted"), Sum("specdecode.output_tokens")));
        Assert.True(result.Drafting.Accepted > 0);
        Assert.Equal(
            result.Drafting.Reasons.Select(reason => (reason.Key.ToString().ToLowerInvariant(), reason.Value)).Order(),
            rounds.GroupBy(round => ((string)round.Tags.Single(tag => tag.Key == "specdecode.draft.reason").Value!).Replace("_", "", StringComparison.Ordinal))
                .Select(group => (group.Key, group.LongCount())).Order());
    }

    [Fact]
    public async Task What_was_asked_and_answered_is_in_no_span_unless_it_is_asked_for()
    {
        const string Secret = "Once upon a time there was a zebra";
        foreach (bool isAsked in (bool[])[false, true])
        {
            await using HostedStory story = await HostedStory.StartAsync(options => options.Telemetry.MessageContent = isAsked);
            GenerationResult result = await story.Generator.CompleteAsync(Request with { Prompt = Secret }, TestContext.Current.CancellationToken);
            Activity span = Assert.Single(story.Collector.RequestSpans());
            string[] words = [.. story.Collector.PhaseSpans(span).Append(span).SelectMany(one => one.TagObjects).Select(tag => FormattableString.Invariant($"{tag.Value}"))];
            Assert.Equal(isAsked, words.Any(word => word.Contains("zebra", StringComparison.Ordinal)));
            Assert.Equal(
                isAsked ? $$"""[{"role":"user","parts":[{"type":"text","content":"{{Secret}}"}]}]""" : null, span.GetTagItem("gen_ai.input.messages"));
            JsonElement? answer = span.GetTagItem("gen_ai.output.messages") is string text ? JsonElement.Parse(text)[0] : null;
            Assert.Equal(isAsked ? ("assistant", result.Text, "length") : default, answer is { } message
                ? (message.GetProperty("role").GetString(), message.GetProperty("parts")[0].GetProperty("content").GetString(), message.GetProperty("finish_reason").GetString())
                : default((string?, string?, string?)));
        }
    }

    [Fact]
    public async Task Histograms_of_requests_have_an_exemplar_that_leads_to_the_trace()
    {
        await using HostedStory story = await HostedStory.StartAsync();
        using Activity caller = Collector.Caller.StartActivity("caller")!;
        await story.Generator.CompleteAsync(Request, TestContext.Current.CancellationToken);
        Activity span = Assert.Single(story.Collector.RequestSpans());
        MetricReadings readings = story.Collector.Read();
        foreach (string histogram in (string[])["gen_ai.server.request.duration", "gen_ai.server.time_to_first_token", "gen_ai.server.time_per_output_token", "specdecode.queue.duration", "specdecode.prefill.duration", "specdecode.decode.duration"])
        {
            Exemplar exemplar = Assert.Single(readings.Exemplars(histogram));
            Assert.Equal((span.TraceId, span.SpanId), (exemplar.TraceId, exemplar.SpanId));
        }

        // Steps are of all requests together, and belong to none.
        Assert.Empty(readings.Exemplars("specdecode.step.duration"));
    }

    private static IEqualityComparer<TimeSpan> TimeComparer { get; } = EqualityComparer<TimeSpan>.Create((one, other) => (one - other).Duration() < TimeSpan.FromMicroseconds(2));
}
