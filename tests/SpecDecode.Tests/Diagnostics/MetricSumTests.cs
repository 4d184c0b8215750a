using Microsoft.Extensions.DependencyInjection;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Hosting;
using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.Diagnostics;

/// <summary>What a real OpenTelemetry provider reads back is the sum of what the callers were told.</summary>
[Collection(Alone.Name)]
public sealed class MetricSumTests
{
    private const string Position = "specdecode.draft.position";
    private const string Finish = "specdecode.finish_reason";
    private const string Requests = "gen_ai.server.request.duration";

    // Each time is rounded to 100 ns on its own.
    private const double Ticks = 1e-5;

    private static readonly GenerationRequest[] Mixed =
    [
        new() { Prompt = "Once upon a time", MaxTokens = 40, Drafting = DraftingOptions.None },
        new() { Prompt = "Once upon a time, there was a bird", MaxTokens = 60 },
        new() { Prompt = "The dog", MaxTokens = 50, Drafting = DraftingOptions.Of(LayerPlan.EarlyExit(12, 4)) with { DraftLength = 7, Threshold = 0.6f } },
        new() { Prompt = "One day a girl", MaxTokens = 30, Drafting = DraftingOptions.Of(LayerPlan.LayerSkip(12, [3, 5, 7], [4, 6])) with { DraftLength = 3 } },
        new() { Prompt = "A cat", MaxTokens = 45, Sampling = new SamplingOptions { Temperature = 0.9f, Seed = 7 } },
        new() { Prompt = "A boat", MaxTokens = 45, Sampling = new SamplingOptions { Temperature = 0.9f, TopP = 0.9f } },
        new() { Prompt = "Tom was", MaxTokens = 200, StopTokens = [47] },
        new() { Prompt = "Tom", MaxTokens = 1 },
        new() { Prompt = "Mia", MaxTokens = 2 },
    ];

    [Fact]
    public async Task Counters_and_histograms_add_up_to_the_statistics_of_the_requests()
    {
        await using HostedStory story = await HostedStory.StartAsync();
        Task<List<GenerationUpdate>>[] streams = [.. Mixed.Concat(Mixed).Select(request => Stream(story.Generator, request))];
        List<GenerationUpdate>[] updates = await Task.WhenAll(streams);
        GenerationResult[] results = [.. updates.Select(stream => stream[^1].Result!)];
        MetricReadings metrics = story.Collector.Read();

        long Sum(Func<GenerationResult, long> part) => results.Sum(part);
        Assert.Equal(Sum(result => result.Drafting.Rounds), metrics.Sum("specdecode.rounds"));
        Assert.Equal(Sum(result => result.Drafting.OutputTokens), metrics.Sum("specdecode.rounds.output_tokens"));
        Assert.Equal(Sum(result => result.Tokens.Count - 1), metrics.Sum("specdecode.rounds.output_tokens"));
        Assert.Equal(Sum(result => result.Drafting.Drafted), metrics.Sum("specdecode.draft.drafted_tokens"));
        Assert.Equal(Sum(result => result.Drafting.Evaluated), metrics.Sum("specdecode.draft.evaluated_tokens"));
        Assert.Equal(Sum(result => result.Drafting.Accepted), metrics.Sum("specdecode.draft.accepted_tokens"));
        Assert.Equal(Sum(result => result.Drafting.Discarded), metrics.Sum("specdecode.draft.discarded_tokens"));
        Assert.Equal(Sum(result => result.Drafting.Corrections), metrics.Sum("specdecode.corrections"));
        Assert.Equal(Sum(result => result.Drafting.BonusTokens), metrics.Sum("specdecode.bonus_tokens"));
        Assert.Equal(Sum(result => result.Tokens.Count), metrics.Sum("specdecode.output_tokens"));
        Assert.Equal(Sum(result => result.PromptTokens), metrics.Sum("specdecode.prompt_tokens"));
        for (int position = 0; position < 7; position++)
        {
            Assert.Equal(
                Sum(result => result.Drafting.AcceptedPerPosition.ElementAtOrDefault(position)),
                metrics.Sum("specdecode.draft.accepted_tokens", (Position, position)));
        }

        // Each of them happens in these texts, so that no line above compares nothing with nothing.
        Assert.True(metrics.Sum("specdecode.draft.accepted_tokens", (Position, 3)) > 0);
        Assert.True(metrics.Sum("specdecode.corrections") > 0 && metrics.Sum("specdecode.bonus_tokens") > 0);
        Assert.True(metrics.Sum("specdecode.draft.evaluated_tokens") < metrics.Sum("specdecode.draft.drafted_tokens"));
        Assert.Equal(0, metrics.Sum("specdecode.failed_passes"));

        // A plain round gives one token that says so; so does the first token of each text, which is no round.
        long plain = updates.Sum(stream => stream.Count(update => update is { Token: not null, Source: TokenSource.Plain })) - results.Length;
        Assert.Equal(metrics.Sum("specdecode.rounds") - plain, metrics.Count("specdecode.draft.accepted_length"));
        Assert.Equal(metrics.Count("specdecode.draft.accepted_length"), metrics.Sum("specdecode.draft.rounds"));
        Assert.Equal(metrics.Sum("specdecode.draft.accepted_tokens"), metrics.Total("specdecode.draft.accepted_length"));

        Assert.Equal(results.Length, metrics.Count(Requests));
        foreach (FinishReason reason in (FinishReason[])[FinishReason.Length, FinishReason.Stop])
        {
            Assert.Equal(
                results.Count(result => result.FinishReason == reason), metrics.Count(Requests, (Finish, reason.ToString().ToLowerInvariant())));
        }

        Assert.Equal(results.Length, metrics.Sum("specdecode.requests.ended"));
        Assert.Equal(
            results.Count(result => result.FinishReason == FinishReason.Stop), metrics.Sum("specdecode.requests.ended", (Finish, "stop")));
        Assert.Equal(results.Length, metrics.Count("gen_ai.server.time_to_first_token"));
        Assert.Equal(results.Count(result => result.Tokens.Count > 1), metrics.Count("gen_ai.server.time_per_output_token"));
        Assert.Equal(results.Length, metrics.Count("specdecode.queue.duration"));
        // What one request says of its speed is what the metric says of it.
        Assert.Equal(
            results.Sum(result => 1 / result.TokensPerSecond ?? 0), metrics.Total("gen_ai.server.time_per_output_token"), Ticks);
        Assert.Equal(results.Sum(result => result.QueueTime.TotalSeconds), metrics.Total("specdecode.queue.duration"), Ticks);
        Assert.Equal(
            results.Sum(result => (result.QueueTime + result.PrefillTime).TotalSeconds), metrics.Total("gen_ai.server.time_to_first_token"), Ticks);

        Assert.Equal(metrics.Count("specdecode.step.duration"), metrics.Count("specdecode.verify.duration"));
        Assert.InRange(metrics.Count("specdecode.draft.duration"), 1, metrics.Count("specdecode.step.duration"));
        Assert.InRange(
            metrics.Total("specdecode.draft.duration") + metrics.Total("specdecode.verify.duration"), double.Epsilon,
            metrics.Total("specdecode.step.duration"));

        AssertIdle(metrics);
        Assert.True(metrics.Sum("specdecode.kv_cache.limit") > 0);
        Assert.All(
            metrics.Names, name => Assert.Equal([HostedStory.ModelName], metrics.Values(name, "gen_ai.request.model")));
    }

    // " there" (407) comes second in this text and is drafted and accepted; the bonus token behind it never comes.
    [Theory]
    [InlineData(60, 2, 1, 1.0)]
    [InlineData(2, 2, 1, 1.0)]
    [InlineData(1, 1, 0, 1.0)]
    public async Task A_text_that_ends_within_a_draft_has_the_length_that_its_rounds_gave(int maxTokens, int tokens, int rounds, double length)
    {
        await using HostedStory story = await HostedStory.StartAsync();
        GenerationResult result = await story.Generator.CompleteAsync(
            new GenerationRequest { Prompt = "Once upon a time", MaxTokens = maxTokens, StopTokens = [407] }, TestContext.Current.CancellationToken);
        Assert.Equal((tokens, rounds, length), (result.Tokens.Count, result.Drafting.Rounds, result.Drafting.MeanAcceptanceLength));

        MetricReadings metrics = story.Collector.Read();
        Assert.Equal((rounds, tokens - 1), (metrics.Sum("specdecode.rounds"), metrics.Sum("specdecode.rounds.output_tokens")));
        Assert.Equal(0, metrics.Sum("specdecode.bonus_tokens"));
        Assert.Equal(length, Assert.Single(story.Collector.RequestSpans()).GetTagItem("specdecode.mean_acceptance_length"));
    }

    [Fact]
    public async Task Requests_that_are_cancelled_have_their_rounds_counted_until_then()
    {
        await using HostedStory story = await HostedStory.StartAsync();
        using CancellationTokenSource cancellation = new();
        int seen = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            GenerationRequest request = new() { Prompt = "Once", MaxTokens = 400, IgnoreEndOfSequence = true };
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            {
                await foreach (GenerationUpdate update in story.Generator.GenerateAsync(request, cancellation.Token))
                {
                    if (Interlocked.Increment(ref seen) == 20)
                    {
                        await cancellation.CancelAsync();
                    }
                }
            });
        }));

        MetricReadings metrics = await story.Collector.ReadUntil(readings => readings.Count(Requests) == 8);
        AssertIdle(metrics);
        Assert.InRange(metrics.Count(Requests, (Finish, "cancelled")), 1, 8);
        Assert.Equal(metrics.Count(Requests, (Finish, "cancelled")), metrics.Sum("specdecode.requests.ended", (Finish, "cancelled")));
        Assert.Equal(8 - metrics.Count(Requests, (Finish, "cancelled")), metrics.Count("gen_ai.server.time_to_first_token"));
        Assert.Equal([null], metrics.Values(Requests, "error.type"));
        Assert.Equal(8, metrics.Count("specdecode.queue.duration"));
        Assert.InRange(metrics.Sum("specdecode.output_tokens"), seen, 8 * 400);
        Assert.InRange(metrics.Sum("specdecode.rounds"), 1, metrics.Sum("specdecode.output_tokens") - 1);
        long plain = metrics.Sum("specdecode.rounds") - metrics.Sum("specdecode.draft.rounds");
        Assert.Equal(
            metrics.Sum("specdecode.draft.accepted_tokens") + metrics.Sum("specdecode.corrections") + metrics.Sum("specdecode.bonus_tokens") + plain,
            metrics.Sum("specdecode.rounds.output_tokens"));
        Assert.InRange(metrics.Sum("specdecode.output_tokens") - metrics.Sum("specdecode.rounds.output_tokens"), 1, 8);
        Assert.Equal(
            metrics.Sum("specdecode.draft.drafted_tokens"), metrics.Sum("specdecode.draft.accepted_tokens") + metrics.Sum("specdecode.draft.discarded_tokens"));
        Assert.Equal(metrics.Sum("specdecode.draft.accepted_tokens"), metrics.Total("specdecode.draft.accepted_length"));
    }

    [Fact]
    public async Task A_request_that_is_refused_is_counted_with_the_reason()
    {
        await using HostedStory story = await HostedStory.StartAsync(options => (options.Runtime.MaxSequences, options.Runtime.MaxQueue) = (1, 0));
        using CancellationTokenSource cancellation = new();
        Task<GenerationResult> running = story.Generator.CompleteAsync(
            new GenerationRequest { Prompt = "Once", MaxTokens = 450, IgnoreEndOfSequence = true }, cancellation.Token);
        await Assert.ThrowsAsync<QueueFullException>(() => story.Generator.CompleteAsync(new GenerationRequest { Prompt = "Two" }, cancellation.Token));
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);

        MetricReadings metrics = await story.Collector.ReadUntil(readings => readings.Count(Requests) == 1);
        Assert.Equal(1, metrics.Sum("specdecode.requests.refused", ("error.type", typeof(QueueFullException).FullName!)));
        Assert.Equal(1, metrics.Sum("specdecode.requests.refused"));
        AssertIdle(metrics);
    }

    [Fact]
    public async Task Two_models_in_a_host_are_told_apart()
    {
        await using HostedStory story = await HostedStory.StartAsync(add: services => services.AddSpecDecode(
            options =>
            {
                options.Model.Path = Path.Combine(TestFolders.Fixtures, "llama_base");
                options.Model.CacheFolder = TestFolders.WeightCache;
                options.Runtime.KvCacheMegabytes = 3;
            },
            "second"));
        ITextGenerator second = story.Services.GetRequiredKeyedService<ITextGenerator>("second");
        GenerationRequest tokens = new() { Tokens = [1, 2, 3], MaxTokens = 9, IgnoreEndOfSequence = true };
        await story.Generator.CompleteAsync(tokens with { MaxTokens = 5 }, TestContext.Current.CancellationToken);
        await second.CompleteAsync(tokens, TestContext.Current.CancellationToken);

        MetricReadings metrics = story.Collector.Read();
        Assert.Equal(5, metrics.Sum("specdecode.output_tokens", ("gen_ai.request.model", HostedStory.ModelName)));
        Assert.Equal(9, metrics.Sum("specdecode.output_tokens", ("gen_ai.request.model", "second")));
        Assert.Equal(3 << 20, metrics.Sum("specdecode.kv_cache.limit", ("gen_ai.request.model", "second")));
        Assert.Equal(2, metrics.Values("specdecode.kv_cache.limit", "gen_ai.request.model").Length);
    }

    private static void AssertIdle(MetricReadings metrics)
    {
        Assert.Contains("specdecode.kv_cache.reserved", metrics.Names);
        Assert.Equal(0, metrics.Sum("specdecode.kv_cache.reserved"));
        Assert.Equal(0, metrics.Sum("specdecode.sequences.live"));
        Assert.Equal(0, metrics.Sum("specdecode.sequences.waiting"));
    }

    private static async Task<List<GenerationUpdate>> Stream(ITextGenerator generator, GenerationRequest request)
    {
        List<GenerationUpdate> updates = [];
        await foreach (GenerationUpdate update in generator.GenerateAsync(request, TestContext.Current.CancellationToken))
        {
            updates.Add(update);
        }

        return updates;
    }
}
