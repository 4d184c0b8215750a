using System.Diagnostics;
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
}
