using SpecDecode.Generation;

namespace SpecDecode.Tests.Generation;

/// <summary>Callers that leave: before, while the prompt is read, while tokens come, after the end.</summary>
public sealed class TextGeneratorCancellationTests : IDisposable
{
    private readonly ScriptedService _service = new(prefillChunk: 4);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _service.Dispose();

    [Fact]
    public async Task Cancelled_before_the_call_nothing_is_begun()
    {
        CancellationToken cancelled = new(canceled: true);
        IAsyncEnumerable<GenerationUpdate> stream = _service.Generator.GenerateAsync(ScriptedService.Request(), cancelled);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ReadAll(stream));
        Task<GenerationResult> completing = _service.Generator.CompleteAsync(ScriptedService.Request(), cancelled);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => completing);
        Assert.True(completing.IsCanceled);
        Assert.Equal((0, 0), (_service.Stages.Passes, _service.Told.Ended));
    }

    [Theory]
    [InlineData(2, true)]
    [InlineData(2, false)]
    [InlineData(9, true)]
    [InlineData(9, false)]
    public async Task Cancelled_while_a_pass_runs_the_caller_is_free_at_once_and_the_cache_is_given_back(int pass, bool streams)
    {
        // A prompt of 20 tokens is read in pieces of 4, so that the second pass is in the middle of it and the ninth behind it.
        using CancellationTokenSource source = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        ScriptedService.Hold hold = _service.HoldPass(pass);
        GenerationRequest request = ScriptedService.Request(prompt: 20, maxTokens: 50);
        Task reading = streams
            ? ReadAll(_service.Generator.GenerateAsync(request, source.Token))
            : _service.Generator.CompleteAsync(request, source.Token);
        await hold.Reached;
        Assert.False(reading.IsCompleted);
        Assert.True(_service.Loop.KvReservedBytes > 0);

        await source.CancelAsync();
        OperationCanceledException error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        Assert.Equal(source.Token, error.CancellationToken);
        hold.Release();
        await _service.AssertNothingIsHeld();
        Assert.Equal(1, _service.Told.Ended);
        Assert.Equal(pass, _service.Stages.Passes);
    }

    [Fact]
    public async Task Cancelled_while_it_waits_for_room_it_leaves_the_queue()
    {
        using ScriptedService narrow = new(maxSequences: 1);
        using CancellationTokenSource source = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        ScriptedService.Hold hold = narrow.HoldPass(2);
        Task<GenerationResult> live = narrow.Generator.CompleteAsync(ScriptedService.Request(1), Cancellation);
        await hold.Reached;
        Task<GenerationResult> waiting = narrow.Generator.CompleteAsync(ScriptedService.Request(2), source.Token);
        Assert.Equal(1, narrow.Loop.WaitingCount);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        hold.Release();
        Assert.Equal(ScriptedService.Expected(ScriptedService.Request(1)), (await live).Tokens);
        await narrow.AssertNothingIsHeld();
        Assert.Equal(2, narrow.Told.Ended);
    }

    [Fact]
    public async Task A_token_given_to_the_enumeration_cancels_too()
    {
        using CancellationTokenSource source = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        int read = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (GenerationUpdate update in _service.Generator.GenerateAsync(ScriptedService.Request(maxTokens: 4000), Cancellation).WithCancellation(source.Token))
            {
                if (++read == 3)
                {
                    await source.CancelAsync();
                }
            }
        });
        Assert.Equal(3, read);
        await _service.AssertNothingIsHeld();
    }

    [Fact]
    public async Task Cancelled_after_the_end_nothing_changes()
    {
        using CancellationTokenSource source = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        GenerationResult? result = null;
        await foreach (GenerationUpdate update in _service.Generator.GenerateAsync(ScriptedService.Request(), source.Token))
        {
            if (update.Result is not null)
            {
                result = update.Result;
                await source.CancelAsync();
            }
        }

        Assert.Equal(FinishReason.Length, result!.FinishReason);
        Assert.Equal(ScriptedService.Expected(ScriptedService.Request()), result.Tokens);
        await _service.AssertNothingIsHeld();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public async Task Leaving_the_enumeration_ends_the_text_and_gives_the_cache_back(int after)
    {
        int read = 0;
        await foreach (GenerationUpdate update in _service.Generator.GenerateAsync(ScriptedService.Request(maxTokens: 4000), Cancellation))
        {
            if (++read == after)
            {
                break;
            }
        }

        await _service.AssertNothingIsHeld();
        Assert.Equal(1, _service.Told.Ended);
        Assert.True(_service.Stages.Passes < 4000, "The text was written to its end for nobody.");
    }

    [Fact]
    public async Task An_error_in_the_readers_own_code_gives_the_cache_back()
    {
        await Assert.ThrowsAsync<InvalidTimeZoneException>(async () =>
        {
            await foreach (GenerationUpdate update in _service.Generator.GenerateAsync(ScriptedService.Request(maxTokens: 4000), Cancellation))
            {
                throw new InvalidTimeZoneException();
            }
        });
        await _service.AssertNothingIsHeld();
    }

    private static async Task ReadAll(IAsyncEnumerable<GenerationUpdate> stream)
    {
        await foreach (GenerationUpdate update in stream)
        {
        }
    }
}
