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

    [Fact]
    public async Task Whatever_a_request_asks_for_it_is_answered_or_refused_with_a_sentence()
    {
        using ScriptedService service = new(maxSequences: 6, maxQueue: 1_000);
        Random random = new(12);
        int cases = TestScale.Cases(20_000, 2_000_000);
        (int answered, int refused, int failed) = (0, 0, 0);
        List<Task> running = [];
        for (int i = 0; i < cases; i++)
        {
            GenerationRequest request = Draw(random);
            running.Add(Run(request));
            if (running.Count == 64)
            {
                await Task.WhenAll(running);
                running.Clear();
            }
        }

        await Task.WhenAll(running);
        Assert.True(answered > cases / 10 && refused > cases / 10, $"{answered} answered, {refused} refused, {failed} failed");
        await service.AssertNothingIsHeld();

        async Task Run(GenerationRequest request)
        {
            try
            {
                GenerationResult result = await service.Generator.CompleteAsync(request, TestContext.Current.CancellationToken);
                Assert.True(result.FinishReason is FinishReason.Length or FinishReason.Stop or FinishReason.Deadline, $"{result}");
                Assert.True(result.FinishReason == FinishReason.Deadline || result.Tokens.Count > request.MinTokens || result.FinishReason == FinishReason.Length, $"{result}");
                Assert.Empty(result.Tokens.Intersect(request.BannedTokens));
                Assert.Equal(request.Choices == 1 ? 0 : request.Choices, result.Choices.Count);
                Assert.Equal(request.LogProbabilities is null && !(request.BestOf > request.Choices) ? null : result.Tokens.Count, result.LogProbabilities?.Count);
                Interlocked.Increment(ref answered);
            }
            catch (ArgumentException error)
            {
                Assert.Contains(": ", error.Message, StringComparison.Ordinal);
                Interlocked.Increment(ref refused);
            }
            catch (SpecDecodeException)
            {
                Interlocked.Increment(ref failed);
            }
        }
    }

    private static GenerationRequest Draw(Random random)
    {
        int vocabulary = ScriptedService.Model.Vocabulary;
        bool Rarely() => random.Next(24) == 0;
        bool Half() => random.Next(2) == 0;
        float Wild() => random.Next(6) switch { 0 => float.NaN, 1 => float.PositiveInfinity, 2 => float.NegativeInfinity, 3 => float.MaxValue, 4 => -1e30f, _ => -random.NextSingle() };
        int Id() => Rarely() ? random.Next(-3, vocabulary + 3) : random.Next(vocabulary);
        return ScriptedService.Request(random.Next(100), 1 + random.Next(6), 1 + random.Next(12)) with
        {
            MinTokens = Rarely() ? random.Next(-2, 40) : Half() ? 0 : 1,
            StopTokens = Half() ? [] : [.. Enumerable.Range(0, random.Next(4)).Select(_ => Id())],
            BannedTokens = Half() ? [] : [.. Enumerable.Range(0, random.Next(6)).Select(_ => Id())],
            Stop = Rarely() ? [""] : Rarely() ? ["a"] : [],
            IncludeStop = Rarely(),
            BannedPhrases = Rarely() ? ["x"] : [],
            LogitBias = Half() ? new Dictionary<int, float>() : Enumerable.Range(0, random.Next(4)).Select(_ => Id()).Distinct().ToDictionary(id => id, _ => Rarely() ? Wild() : 4 * random.NextSingle() - 2),
            LogProbabilities = Half() ? null : Rarely() ? random.Next(-2, 30) : random.Next(21),
            PromptLogProbabilities = Half() ? null : Rarely() ? random.Next(-2, 30) : random.Next(5),
            LogProbabilityKind = Rarely() ? (LogProbabilityKind)random.Next(-1, 4) : LogProbabilityKind.Raw,
            Choices = Rarely() ? random.Next(-2, 200) : 1 + random.Next(3),
            BestOf = Half() ? null : random.Next(Rarely() ? 200 : 5),
            Deadline = Rarely() ? TimeSpan.FromTicks(random.NextInt64(-5, 1L << random.Next(1, 62))) : null,
            Priority = random.Next(),
            Drafting = Half() ? null : ScriptedService.Draft,
            Sampling = Half() ? null : new SamplingOptions
            {
                Temperature = Half() ? 0 : 1, Seed = 1,
                RepetitionPenalty = Rarely() ? Wild() : 1 + random.NextSingle(), FrequencyPenalty = Rarely() ? Wild() : random.NextSingle(),
                PresencePenalty = Rarely() ? Wild() : random.NextSingle(), PenaltyWindow = Rarely() ? random.Next(-2, 5) : random.Next(9),
            },
        };
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
