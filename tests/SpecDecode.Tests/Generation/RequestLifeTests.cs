using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Sampling;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;

namespace SpecDecode.Tests.Generation;

/// <summary>Deadlines, priorities and several texts of one request, in a service on a scripted model.</summary>
public class RequestLifeTests
{
    [Fact]
    public async Task A_request_whose_deadline_passes_ends_within_a_step_and_gives_everything_back()
    {
        using ScriptedService service = new();
        ScriptedService.Hold hold = service.HoldNextPass();
        GenerationRequest request = ScriptedService.Request(maxTokens: 3_000) with { Deadline = TimeSpan.FromMilliseconds(30), Drafting = ScriptedService.Draft };
        Task<GenerationResult> late = service.Generator.CompleteAsync(request, TestContext.Current.CancellationToken);
        await hold.Reached;
        await Task.Delay(60, TestContext.Current.CancellationToken);
        hold.Release();
        GenerationResult result = await late;

        // The pass that was running gave its token; no further one ran.
        Assert.Equal((FinishReason.Deadline, 1), (result.FinishReason, result.Tokens.Count));
        Assert.Equal(ScriptedService.Expected(request)[..1], result.Tokens);
        await service.AssertNothingIsHeld();
    }

    [Fact]
    public async Task A_request_that_waits_ends_in_time_too_and_one_with_time_left_is_whole()
    {
        using ScriptedService service = new(maxSequences: 1);
        ScriptedService.Hold hold = service.HoldNextPass();
        GenerationRequest first = ScriptedService.Request() with { Deadline = TimeSpan.FromHours(1) };
        Task<GenerationResult> runs = service.Generator.CompleteAsync(first, TestContext.Current.CancellationToken);
        await hold.Reached;
        Task<GenerationResult> waits = service.Generator.CompleteAsync(
            ScriptedService.Request(2) with { Deadline = TimeSpan.FromMilliseconds(1) }, TestContext.Current.CancellationToken);
        await Task.Delay(20, TestContext.Current.CancellationToken);
        hold.Release();
        Assert.Equal((FinishReason.Deadline, 0), ((await waits).FinishReason, (await waits).Tokens.Count));
        Assert.Equal(ScriptedService.Expected(first), (await runs).Tokens);
        await service.AssertNothingIsHeld();
    }

    [Fact]
    public async Task Of_those_who_wait_the_highest_priority_is_admitted_first_and_of_equal_ones_the_first()
    {
        Ends ends = new();
        using ScriptedService service = new(maxSequences: 1, observer: ends);
        ScriptedService.Hold hold = service.HoldNextPass();
        Task<GenerationResult> running = service.Generator.CompleteAsync(ScriptedService.Request(maxTokens: 3), TestContext.Current.CancellationToken);
        await hold.Reached;
        int[] priorities = [0, 5, -1, 5, 7, 0];
        Task<GenerationResult>[] waiting = [.. priorities.Select((priority, i) => service.Generator.CompleteAsync(
            ScriptedService.Request(i, maxTokens: 3 + i) with { Priority = priority }, TestContext.Current.CancellationToken))];
        hold.Release();
        await running;
        await Task.WhenAll(waiting);

        // One at a time: they end in the order in which they were admitted.
        Assert.Equal([3, 3 + 4, 3 + 1, 3 + 3, 3 + 0, 3 + 5, 3 + 2], ends.Lengths);
    }

    [Fact]
    public async Task Several_texts_of_a_request_come_as_they_are_written_and_leaving_ends_them_all()
    {
        using ScriptedService service = new();
        GenerationRequest request = ScriptedService.Request(maxTokens: 25) with
        {
            Choices = 5, Drafting = ScriptedService.Draft, Sampling = new SamplingOptions { Temperature = 2, Seed = 3 }, LogProbabilities = 1,
        };
        List<int>[] tokens = [.. Enumerable.Range(0, 5).Select(_ => new List<int>())];
        int ended = 0;
        await foreach (GenerationUpdate update in service.Generator.GenerateAsync(request, TestContext.Current.CancellationToken))
        {
            tokens[update.Choice].Add(update.Token!.Value);
            Assert.Equal(update.Token, update.LogProbability!.Token);
            ended += update.Result is null ? 0 : 1;
        }

        Assert.Equal(5, ended);
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(ScriptedService.Expected(request with { Sampling = request.Sampling! with { ChoiceIndex = i } }), tokens[i]);
        }

        await foreach (GenerationUpdate update in service.Generator.GenerateAsync(request with { MaxTokens = 3_000 }, TestContext.Current.CancellationToken))
        {
            if (update.Choice == 3)
            {
                break;
            }
        }

        await service.AssertNothingIsHeld();
    }

    [Fact]
    public async Task A_request_of_more_texts_than_there_is_room_for_is_refused_as_a_whole()
    {
        using ScriptedService service = new(maxSequences: 2, maxQueue: 3);
        ScriptedService.Hold hold = service.HoldNextPass();
        Task<GenerationResult> running = service.Generator.CompleteAsync(ScriptedService.Request(), TestContext.Current.CancellationToken);
        await hold.Reached;
        await Assert.ThrowsAsync<QueueFullException>(() => service.Generator.CompleteAsync(ScriptedService.Request() with { Choices = 5 }, TestContext.Current.CancellationToken));
        SpecDecodeException never = await Assert.ThrowsAsync<SpecDecodeException>(
            () => service.Generator.CompleteAsync(ScriptedService.Request() with { Choices = 6 }, TestContext.Current.CancellationToken));
        Assert.Contains("asks for 6 texts", never.Message, StringComparison.Ordinal);
        Assert.Equal(1, service.Loop.WaitingCount + service.Loop.LiveCount);
        Task<GenerationResult> fits = service.Generator.CompleteAsync(ScriptedService.Request() with { Choices = 4 }, TestContext.Current.CancellationToken);
        hold.Release();
        await running;
        Assert.Equal(4, (await fits).Choices.Count);
        await service.AssertNothingIsHeld();
    }

    private sealed class Ends : IEngineObserver
    {
        public List<int> Lengths { get; } = [];

        public void OnStep(in StepRecord step)
        {
        }

        public void OnRound(in RoundRecord round)
        {
        }

        public void OnEnded(Sequence sequence) => Lengths.Add(sequence.NewTokens.Length);

        public void OnPassFailed(Exception error)
        {
        }
    }
}
