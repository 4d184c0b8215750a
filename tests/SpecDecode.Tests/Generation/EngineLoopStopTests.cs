using SpecDecode.Generation;

namespace SpecDecode.Tests.Generation;

/// <summary>The loop's end, in order, in a hurry, and in the middle of calls.</summary>
public class EngineLoopStopTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Stopping_lets_what_runs_and_waits_end_and_refuses_what_comes()
    {
        using ScriptedService service = new(maxSequences: 1);
        ScriptedService.Hold hold = service.HoldPass(2);
        Task<GenerationResult>[] calls = [.. Enumerable.Range(1, 3).Select(seed => service.Generator.CompleteAsync(ScriptedService.Request(seed), Cancellation))];
        await hold.Reached;
        Task stopping = service.Loop.StopAsync(CancellationToken.None);
        await Assert.ThrowsAsync<ShuttingDownException>(() => service.Generator.CompleteAsync(ScriptedService.Request(4), Cancellation));
        Assert.False(stopping.IsCompleted);
        hold.Release();
        await stopping;
        for (int i = 0; i < calls.Length; i++)
        {
            Assert.Equal(ScriptedService.Expected(ScriptedService.Request(i + 1)), (await calls[i]).Tokens);
        }

        await service.Loop.StopAsync(CancellationToken.None);
        await Assert.ThrowsAsync<ShuttingDownException>(() => service.Generator.CompleteAsync(ScriptedService.Request(4), Cancellation));
    }

    [Fact]
    public async Task Hurried_what_runs_ends_where_it_is_and_what_waits_ends_empty()
    {
        using ScriptedService service = new(maxSequences: 1);
        ScriptedService.Hold hold = service.HoldPass(6);
        GenerationRequest request = ScriptedService.Request(maxTokens: 4000);
        Task<GenerationResult> live = service.Generator.CompleteAsync(request, Cancellation);
        Task<GenerationResult> waiting = service.Generator.CompleteAsync(ScriptedService.Request(2), Cancellation);
        await hold.Reached;
        using CancellationTokenSource hurry = new();
        Task stopping = service.Loop.StopAsync(hurry.Token);
        await hurry.CancelAsync();
        hold.Release();
        await stopping;

        GenerationResult result = await live;
        Assert.Equal(FinishReason.Shutdown, result.FinishReason);
        Assert.Equal(ScriptedService.Expected(request with { MaxTokens = result.Tokens.Count }), result.Tokens);
        Assert.Equal((FinishReason.Shutdown, 0), ((await waiting).FinishReason, (await waiting).Tokens.Count));
        Assert.Equal(0, service.Faulty.Pages.Used);
    }

    [Fact]
    public async Task Shutdown_is_the_last_update_of_a_stream_with_what_there_was()
    {
        using ScriptedService service = new();
        List<GenerationUpdate> updates = [];
        await foreach (GenerationUpdate update in service.Generator.GenerateAsync(ScriptedService.Request(maxTokens: 4000), Cancellation))
        {
            updates.Add(update);
            if (updates.Count == 3)
            {
                await service.Loop.StopAsync(new CancellationToken(canceled: true));
            }
        }

        Assert.Equal(FinishReason.Shutdown, updates[^1].FinishReason);
        Assert.Equal(updates[^1].Result!.Tokens, updates.Where(update => update.Token is not null).Select(update => update.Token!.Value));
    }

    [Fact]
    public void Callers_that_come_while_the_loop_is_disposed_are_served_or_refused_and_nothing_else()
    {
        for (int round = 0; round < 300; round++)
        {
            ScriptedService service = new();
            using Barrier start = new(3);
            List<Exception> errors = [];
            Thread[] threads = [.. Enumerable.Range(0, 2).Select(number => new Thread(() =>
            {
                start.SignalAndWait(Cancellation);
                try
                {
                    for (int i = 0; i < 20; i++)
                    {
                        service.Generator.CompleteAsync(ScriptedService.Request(i, maxTokens: 1), Cancellation).GetAwaiter().GetResult();
                    }
                }
                catch (Exception error)
                {
                    lock (errors)
                    {
                        errors.Add(error);
                    }
                }
            }))];
            Array.ForEach(threads, thread => thread.Start());
            start.SignalAndWait(Cancellation);
            Thread.SpinWait(round * 20);
            service.Dispose();
            service.Dispose();
            Array.ForEach(threads, thread => thread.Join());
            Assert.All(errors, error => Assert.IsType<ShuttingDownException>(error));
        }
    }
}
