using System.Collections.Concurrent;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Sampling;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;
using SpecDecode.Tests.Scheduling;

namespace SpecDecode.Tests.Generation;

/// <summary>Many callers at once, and what becomes of them when something fails.</summary>
public class EngineLoopTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_reader_that_never_reads_holds_up_nobody_and_misses_nothing()
    {
        using ScriptedService service = new(maxSequences: 2);
        GenerationRequest request = ScriptedService.Request(1, maxTokens: 200);
        await using IAsyncEnumerator<GenerationUpdate> slow = service.Generator.GenerateAsync(request, Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.True(await slow.MoveNextAsync());
        List<int> read = [slow.Current.Token!.Value];

        for (int seed = 2; seed < 12; seed++)
        {
            GenerationRequest other = ScriptedService.Request(seed, maxTokens: 50);
            Assert.Equal(ScriptedService.Expected(other), (await service.Generator.CompleteAsync(other, Cancellation)).Tokens);
        }

        // Its text has ended and its cache is given back, though nobody has read on.
        await service.AssertNothingIsHeld();
        while (await slow.MoveNextAsync())
        {
            read.Add(slow.Current.Token!.Value);
        }

        Assert.Equal(ScriptedService.Expected(request), read);
    }

    [Fact]
    public async Task A_full_queue_refuses_at_once_and_takes_requests_again_when_there_is_room()
    {
        using ScriptedService service = new(maxSequences: 1, maxQueue: 2);
        ScriptedService.Hold hold = service.HoldPass(1);
        Task<GenerationResult>[] taken = [.. Enumerable.Range(1, 3).Select(seed => service.Generator.CompleteAsync(ScriptedService.Request(seed), Cancellation))];
        await hold.Reached;

        // The loop stands still: whoever is refused is refused without it.
        string message = (await Assert.ThrowsAsync<QueueFullException>(() => service.Generator.CompleteAsync(ScriptedService.Request(4), Cancellation))).Message;
        Assert.StartsWith("3 requests are being answered or wait", message, StringComparison.Ordinal);
        await using (IAsyncEnumerator<GenerationUpdate> stream = service.Generator.GenerateAsync(ScriptedService.Request(4), Cancellation).GetAsyncEnumerator(Cancellation))
        {
            await Assert.ThrowsAsync<QueueFullException>(async () => await stream.MoveNextAsync());
        }

        hold.Release();
        await Task.WhenAll(taken);

        // Whoever has just been answered may ask again at once.
        for (int seed = 1; seed < 100; seed++)
        {
            await Task.WhenAll(Enumerable.Range(seed, 3).Select(other => service.Generator.CompleteAsync(ScriptedService.Request(other, maxTokens: 2), Cancellation)));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_hundred_callers_with_random_cancellation_get_the_text_of_each_alone(int seed)
    {
        using ScriptedService service = new(maxSequences: 8, maxQueue: 100, kvBytes: 40_000);
        ConcurrentBag<int> finished = [];
        async Task Call(int number)
        {
            Random random = new(seed * 1000 + number);
            GenerationRequest request = ScriptedService.Request(random.Next(10_000), random.Next(1, 40), random.Next(1, 80)) with
            {
                Drafting = random.Next(3) == 0 ? null : ScriptedService.Draft with { DraftLength = random.Next(1, 12) },
                IgnoreEndOfSequence = random.Next(2) == 0,
                Sampling = random.Next(2) == 0 ? null : new SamplingOptions { Temperature = 1, Seed = number },
            };
            using CancellationTokenSource source = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
            int leaveAfter = random.Next(3) == 0 ? random.Next(0, 40) : int.MaxValue;
            int how = random.Next(3);
            List<int> read = [];
            try
            {
                if (leaveAfter == 0)
                {
                    source.CancelAfter(random.Next(3));
                }

                await foreach (GenerationUpdate update in service.Generator.GenerateAsync(request, source.Token))
                {
                    read.Add(update.Token!.Value);
                    if (update.Result is { } result)
                    {
                        Assert.Equal(ScriptedService.Expected(request), read);
                        Assert.Equal(read, result.Tokens);
                        finished.Add(number);
                    }
                    else if (read.Count == leaveAfter && how == 0)
                    {
                        break;
                    }
                    else if (read.Count == leaveAfter && how == 1)
                    {
                        await source.CancelAsync();
                    }
                    else if (read.Count == leaveAfter)
                    {
                        // A reader that is slow, and then cancels in its own time.
                        await Task.Delay(random.Next(3), Cancellation);
                        await source.CancelAsync();
                    }
                }
            }
            catch (OperationCanceledException) when (source.IsCancellationRequested)
            {
                // What was read until then is the beginning of the text.
                Assert.Equal(ScriptedService.Expected(request)[..read.Count], read);
            }
        }

        await Task.WhenAll(Enumerable.Range(0, 100).Select(number => Task.Run(() => Call(number), Cancellation)));
        Assert.InRange(finished.Count, 40, 100);
        await service.AssertNothingIsHeld();
    }

    [Fact]
    public async Task A_pass_that_fails_ends_the_one_request_that_makes_it_fail_and_gives_its_tokens_first()
    {
        using ScriptedService service = new();
        GenerationRequest bad = ScriptedService.Request(1) with { Tokens = [49], MaxTokens = 500 };
        GenerationRequest good = ScriptedService.Request(2, maxTokens: 30);
        service.Faulty.OnCall = () =>
        {
            if (service.Stages.Passes > 40)
            {
                throw new ScriptedFailureException();
            }
        };
        ScriptedService.Hold hold = service.HoldPass(4);
        Task<GenerationResult>? other = null;
        List<int> read = [];
        SpecDecodeException error = await Assert.ThrowsAsync<SpecDecodeException>(async () =>
        {
            await foreach (GenerationUpdate update in service.Generator.GenerateAsync(bad, Cancellation))
            {
                read.Add(update.Token!.Value);
                if (read.Count == 1)
                {
                    // All others come after the reader has begun, and before it goes on.
                    other = service.Generator.CompleteAsync(good, Cancellation);
                    hold.Release();
                    await service.AssertNothingIsHeld();
                }
            }
        });
        Assert.StartsWith($"The model failed after {read.Count} new tokens: ", error.Message, StringComparison.Ordinal);
        Assert.IsType<ScriptedFailureException>(error.InnerException);
        Assert.Equal(ScriptedService.Expected(bad)[..read.Count], read);
        Assert.InRange(read.Count, 5, 41);
        Assert.Equal(ScriptedService.Expected(good), (await other!).Tokens);

        service.Faulty.OnCall = null;
        Assert.Equal(ScriptedService.Expected(good), (await service.Generator.CompleteAsync(good, Cancellation)).Tokens);
        await service.AssertNothingIsHeld();
    }

    [Fact]
    public async Task Storage_that_cannot_be_had_fails_that_request_and_no_other()
    {
        using ScriptedService service = new();
        int asked = 0;
        service.Faulty.OnMemory = () =>
        {
            if (++asked == 1)
            {
                throw new InvalidDataException("No room.");
            }
        };
        SpecDecodeException error = await Assert.ThrowsAsync<SpecDecodeException>(() => service.Generator.CompleteAsync(ScriptedService.Request(), Cancellation));
        Assert.Equal("The model failed after 0 new tokens: No room.", error.Message);
        Assert.Equal(20, (await service.Generator.CompleteAsync(ScriptedService.Request(), Cancellation)).Tokens.Count);
        await service.AssertNothingIsHeld();
    }

    [Theory]
    [InlineData("observer")]
    [InlineData("ended")]
    [InlineData("storage")]
    [InlineData("storage again")]
    public async Task A_fault_of_the_engine_leaves_nobody_waiting_and_says_so(string where)
    {
        Breaking observer = new();
        using ScriptedService service = new(maxSequences: 2, observer: observer);
        ScriptedService.Hold hold = service.HoldPass(3);
        Task<GenerationResult>[] calls = [.. Enumerable.Range(1, 6).Select(seed => service.Generator.CompleteAsync(ScriptedService.Request(seed), Cancellation))];
        await hold.Reached;
        observer.Where = where;
        service.Faulty.OnGivenBack = where switch
        {
            "storage" => () => throw Once(service),
            "storage again" => () => throw new ScriptedFailureException(),
            _ => null,
        };
        hold.Release();

        // Texts that had ended before are whole; everybody else learns what happened.
        int failed = 0;
        for (int i = 0; i < calls.Length; i++)
        {
            try
            {
                Assert.Equal(ScriptedService.Expected(ScriptedService.Request(i + 1)), (await calls[i]).Tokens);
            }
            catch (SpecDecodeException error)
            {
                Assert.IsType<ScriptedFailureException>(error.InnerException);
                failed++;
            }
        }

        Assert.InRange(failed, 4, 6);

        Assert.IsType<ScriptedFailureException>(service.Loop.Fault);
        string message = (await Assert.ThrowsAsync<SpecDecodeException>(() => service.Generator.CompleteAsync(ScriptedService.Request(), Cancellation))).Message;
        Assert.Equal("The engine has failed and cannot go on: This stage was told to fail. Restart the service.", message);
        await service.Loop.StopAsync(CancellationToken.None);
        Assert.Equal((0L, 0, 0), (service.Loop.KvReservedBytes, service.Loop.LiveCount, service.Loop.WaitingCount));
        if (where is "observer" or "ended")
        {
            Assert.Equal(0, service.Faulty.Pages.Used);
            Assert.Equal(6, observer.Ended.Distinct().Count());
        }
    }

    private static ScriptedFailureException Once(ScriptedService service)
    {
        service.Faulty.OnGivenBack = null;
        return new ScriptedFailureException();
    }

    /// <summary>An observer that throws at the place that it is told.</summary>
    private sealed class Breaking : IEngineObserver
    {
        public volatile string Where = "";

        public ConcurrentQueue<Sequence> Ended { get; } = new();

        public void OnStep(in StepRecord step)
        {
        }

        public void OnRound(in RoundRecord round) => Break("observer");

        public void OnEnded(Sequence sequence)
        {
            Ended.Enqueue(sequence);
            Break("ended");
        }

        public void OnPassFailed(Exception error)
        {
        }

        private void Break(string where)
        {
            if (Where == where)
            {
                throw new ScriptedFailureException();
            }
        }
    }
}
