using System.Diagnostics.Metrics;
using SpecDecode.Generation;
using SpecDecode.Hosting;
using SpecDecode.Tests.Generation;

namespace SpecDecode.Tests.Hosting;

/// <summary>Start, stop, disposal, and what becomes of requests in them.</summary>
public class HostLifeTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Start_loads_and_warms_up_stop_ends_and_the_log_tells_it()
    {
        await using TestHost host = await TestHost.Started(("Drafting:Strategy", "early-exit"), ("Drafting:ExitLayer", "2"), ("Drafting:Threshold", "0.25"));
        Assert.StartsWith("Loading the model llama_base from " + Path.Combine(TestFolders.Fixtures, "llama_base"), Assert.Single(host.Log.Messages(1)), StringComparison.Ordinal);
        Assert.Contains(
            "s; drafting: early-exit: exit layer 2, draft length 4, threshold 0.25; precision: bf16; draft precision: bf16; threads: ", Assert.Single(host.Log.Messages(2)),
            StringComparison.Ordinal);
        Assert.Contains("there is no tokenizer.json", Assert.Single(host.Log.Messages(3)), StringComparison.Ordinal);
        await host.Generator.CompleteAsync(TestHost.Request(), Cancellation);
        await host.Host.StopAsync(Cancellation);
        Assert.Equal("Stopping the model llama_base; 0 requests run or wait", Assert.Single(host.Log.Messages(9)));
        Assert.Equal((1, 0), (host.Log.Count(10), host.Log.Count(11)));
    }

    [Fact]
    public async Task Stopping_lets_running_requests_finish_and_refuses_new_ones()
    {
        await using TestHost host = await TestHost.Started(("Runtime:MaxSequences", "1"));
        GenerationResult alone = await host.Generator.CompleteAsync(TestHost.Request(30), Cancellation);
        using Held held = new(host);
        Task<GenerationResult>[] calls = [.. Enumerable.Range(0, 3).Select(_ => host.Generator.CompleteAsync(TestHost.Request(30), Cancellation))];
        await held.Reached;
        Task stopping = host.Host.StopAsync(Cancellation);
        await ScriptedService.Eventually(() => host.Log.Count(9) == 1);
        await Refused(host);
        Assert.Equal("Stopping the model llama_base; 3 requests run or wait", Assert.Single(host.Log.Messages(9)));
        Assert.False(stopping.IsCompleted);

        held.Release();
        await stopping;
        Assert.All(await Task.WhenAll(calls), result => Assert.Equal((FinishReason.Length, 30), (result.FinishReason, result.Tokens.Count)));
        Assert.Equal(alone.Tokens, (await calls[2]).Tokens);
        Assert.Equal(0, host.Log.Count(11));
        await Refused(host);
    }

    [Fact]
    public async Task When_the_time_to_stop_is_up_what_runs_ends_where_it_is_with_the_reason()
    {
        await using TestHost host = await TestHost.Started(("Runtime:MaxSequences", "1"));
        using Held held = new(host);
        Task<GenerationResult> running = host.Generator.CompleteAsync(TestHost.Request(500), Cancellation);
        Task<GenerationResult> waiting = host.Generator.CompleteAsync(TestHost.Request(500), Cancellation);
        await held.Reached;
        using CancellationTokenSource time = new();
        Task stopping = host.Catalog.StopAsync(time.Token);
        await time.CancelAsync();
        held.Release();
        await stopping;

        Assert.Equal((FinishReason.Shutdown, FinishReason.Shutdown), ((await running).FinishReason, (await waiting).FinishReason));
        Assert.InRange((await running).Tokens.Count, 1, 499);
        Assert.Empty((await waiting).Tokens);
        Assert.Equal("The time to stop was up, so 2 requests to the model llama_base ended where they were", Assert.Single(host.Log.Messages(11)));
    }

    [Fact]
    public async Task A_stop_whose_time_is_up_before_it_begins_ends_at_once()
    {
        await using TestHost host = await TestHost.Started();
        Task<GenerationResult> running = host.Generator.CompleteAsync(TestHost.Request(500), Cancellation);
        await host.Catalog.StopAsync(new CancellationToken(canceled: true));
        Assert.Contains((await running).FinishReason, (FinishReason[])[FinishReason.Shutdown, FinishReason.Length]);
        await host.Catalog.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task Disposed_without_a_stop_what_runs_ends_where_it_is()
    {
        TestHost host = await TestHost.Started();
        ITextGenerator generator = host.Generator;
        ModelCatalog catalog = host.Catalog;
        ModelHost model = host.Model;
        Held held = new(host);
        Task<GenerationResult> running = generator.CompleteAsync(TestHost.Request(500), Cancellation);
        await held.Reached;
        Task disposing = Task.Run(host.Host.Dispose, Cancellation);
        await ScriptedService.Eventually(() => !model.IsReady);
        held.Release();
        await disposing;
        Assert.Equal(FinishReason.Shutdown, (await running).FinishReason);
        await Assert.ThrowsAsync<ShuttingDownException>(() => generator.CompleteAsync(TestHost.Request(), Cancellation));

        // In any order, and again: nothing happens.
        await catalog.StopAsync(CancellationToken.None);
        await catalog.DisposeAsync();
        catalog.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => catalog.StartAsync(CancellationToken.None));
        held.Dispose();
    }

    [Fact]
    public async Task Disposed_while_a_stop_waits_both_end()
    {
        await using TestHost host = await TestHost.Started();
        ModelCatalog catalog = host.Catalog;
        using Held held = new(host);
        Task<GenerationResult> running = host.Generator.CompleteAsync(TestHost.Request(500), Cancellation);
        await held.Reached;
        Task stopping = catalog.StopAsync(CancellationToken.None);
        Task disposing = Task.Run(async () => await catalog.DisposeAsync(), Cancellation);
        held.Release();
        await Task.WhenAll(stopping, disposing);
        Assert.Contains((await running).FinishReason, (FinishReason[])[FinishReason.Shutdown, FinishReason.Length]);
    }

    [Fact]
    public async Task A_host_that_was_never_started_is_disposed()
    {
        await using TestHost host = new();
        host.Builder.AddSpecDecode();
        await host.Catalog.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_start_that_is_cancelled_ends_as_cancelled_and_leaves_nothing(bool inTheMiddle)
    {
        await using TestHost host = new();
        host.Builder.AddSpecDecode();
        using CancellationTokenSource source = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        host.Log.OnEvent = id =>
        {
            if (id == 1)
            {
                source.Cancel();
            }
        };
        if (!inTheMiddle)
        {
            await source.CancelAsync();
        }

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => host.Catalog.StartAsync(source.Token));
        Assert.Equal((inTheMiddle ? 1 : 0, 0, 0), (host.Log.Count(1), host.Log.Count(2), host.Log.Count(4)));
        Assert.False(host.Model.IsReady);
        Assert.Null(host.Model.Fault);
    }

    [Fact]
    public async Task A_stop_during_the_start_ends_it_as_cancelled()
    {
        await using TestHost host = new();
        host.Builder.AddSpecDecode();
        using ManualResetEventSlim loading = new();
        host.Log.OnEvent = id =>
        {
            if (id == 1)
            {
                loading.Wait(Cancellation);
            }
        };
        Task starting = host.Catalog.StartAsync(CancellationToken.None);
        Task stopping = host.Catalog.StopAsync(CancellationToken.None);
        loading.Set();
        await stopping;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => starting);
    }

    [Fact]
    public async Task A_listener_that_throws_ends_no_text_and_is_logged_once()
    {
        await using TestHost host = await TestHost.Started();
        using (MeterListener listener = host.OnStep(() => throw new InvalidTimeZoneException()))
        {
            GenerationResult result = await host.Generator.CompleteAsync(TestHost.Request(), Cancellation);
            Assert.Equal(8, result.Tokens.Count);
        }

        Assert.Null(host.Model.Fault);
        Assert.Equal(1, host.Log.Count(13));
        Assert.Equal(8, (await host.Generator.CompleteAsync(TestHost.Request(), Cancellation)).Tokens.Count);
    }

    [Fact]
    public async Task The_loop_thread_carries_nothing_of_the_context_that_started_it()
    {
        AsyncLocal<string> context = new() { Value = "the start" };
        await using TestHost host = await TestHost.Started();
        string? seen = "nothing";
        using (MeterListener listener = host.OnStep(() => seen = context.Value))
        {
            await host.Generator.CompleteAsync(TestHost.Request(), Cancellation);
        }

        Assert.Null(seen);
    }

    [Fact]
    public async Task A_full_queue_refuses_as_configured()
    {
        await using TestHost host = await TestHost.Started(("Runtime:MaxSequences", "1"), ("Runtime:MaxQueue", "0"));
        using Held held = new(host);
        Task<GenerationResult> running = host.Generator.CompleteAsync(TestHost.Request(), Cancellation);
        await held.Reached;
        await Assert.ThrowsAsync<QueueFullException>(() => host.Generator.CompleteAsync(TestHost.Request(), Cancellation));
        held.Release();
        await running;
        await host.Generator.CompleteAsync(TestHost.Request(), Cancellation);
    }

    private static Task<ShuttingDownException> Refused(TestHost host) => Assert.ThrowsAsync<ShuttingDownException>(() => host.Generator.CompleteAsync(TestHost.Request(), Cancellation));
}
