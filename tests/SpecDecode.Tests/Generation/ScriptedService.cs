using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.LayerSearch;
using SpecDecode.Plans;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;
using SpecDecode.Tests.Scheduling;

namespace SpecDecode.Tests.Generation;

/// <summary>The façade over a <see cref="ScriptedModel"/>: a loop on its thread, no tokenizer, and hooks into its passes.</summary>
internal sealed class ScriptedService : IDisposable
{
    /// <summary>Ends a text.</summary>
    public const int EndOfSequence = 3;

    private readonly Watch _watch = new();

    public ScriptedService(int maxSequences = 8, int maxQueue = 64, int prefillChunk = 16, long kvBytes = long.MaxValue, IEngineObserver? observer = null, double? searchShare = null)
    {
        Stages = new ScriptedStages(Model, maxRows: 32);
        Faulty = new FaultyStages(Stages);
        RequestIntake intake = new(Faulty, null, [EndOfSequence], kvBytes);
        Scheduler scheduler = new(Faulty, new SchedulerLimits(maxSequences, kvBytes, prefillChunk));
        Spare = searchShare is { } share ? new SpareWork(Faulty, scheduler, intake.Drafting.Swift, share) : null;
        Loop = new EngineLoop(scheduler, maxSequences + maxQueue, observer ?? _watch, "test", spare: Spare);
        Generator = new TextGenerator(
            new ModelInfo { Name = "scripted", LayerCount = Model.Layers, VocabularySize = Model.Vocabulary, MaxSequenceLength = Stages.MaxSequenceLength }, null,
            intake, Loop, new GenerationDefaults { Drafting = DraftingOptions.None });
    }

    public static ScriptedModel Model { get; } = new(Layers: 4, Vocabulary: 50, Seed: 11);

    public static DraftingOptions Draft { get; } = DraftingOptions.Of(LayerPlan.EarlyExit(Model.Layers, 2)) with { DraftLength = 5 };

    /// <summary>What the passes go through; see <see cref="ScriptedStages.DuringCall"/>.</summary>
    public ScriptedStages Stages { get; }

    /// <summary>Around <see cref="Stages"/>.</summary>
    public FaultyStages Faulty { get; }

    public EngineLoop Loop { get; }

    /// <summary>What the loop does when it has time; null where that is nothing.</summary>
    public SpareWork? Spare { get; }

    public TextGenerator Generator { get; }

    /// <summary>Rounds and ended sequences that the observer was told of.</summary>
    public (int Rounds, int Ended) Told => (_watch.Rounds, _watch.Ended);

    /// <summary>A request that ends where it asks to.</summary>
    public static GenerationRequest Request(int seed = 1, int prompt = 5, int maxTokens = 20) => new()
    {
        Tokens = [.. Enumerable.Range(0, prompt).Select(i => (seed * 31 + i * 7) % Model.Vocabulary)], MaxTokens = maxTokens, IgnoreEndOfSequence = true,
    };

    /// <summary>The text that a request gives alone, plainly, by another way: greedy from the reference, else one sequence by itself.</summary>
    public static int[] Expected(GenerationRequest request)
    {
        HashSet<int> ends = [.. request.IgnoreEndOfSequence ? [] : (int[])[EndOfSequence], .. request.StopTokens];
        int maxTokens = request.MaxTokens ?? GenerationDefaults.DefaultMaxTokens;
        return request.Sampling is null or { Temperature: 0 }
            ? Model.Continue([.. request.Tokens!], maxTokens, ends)
            : new HistoryRequest([.. request.Tokens!], maxTokens, ends, null, request.Sampling).Alone(new ScriptedStages(Model, maxRows: 32)).Tokens;
    }

    /// <summary>Holds the loop's thread in its next pass from now on.</summary>
    public Hold HoldNextPass() => HoldPass(Stages.Passes + 1);

    /// <summary>Holds the loop's thread in a pass; to be called while no pass runs.</summary>
    public Hold HoldPass(int number)
    {
        Hold hold = new();
        Stages.DuringCall = (pass, _) =>
        {
            if (pass == number)
            {
                hold.Wait();
            }
        };
        return hold;
    }

    /// <summary>Everything that requests held is given back, be it a step later.</summary>
    public async Task AssertNothingIsHeld()
    {
        await Eventually(() => Loop.KvReservedBytes == 0 && Loop.WaitingCount == 0 && Loop.LiveCount == 0);
        Assert.Equal(0, Faulty.Pages.Used);
    }

    /// <summary>Waits for what another thread is about to do.</summary>
    public static async Task Eventually(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }
    }

    public void Dispose() => Loop.Dispose();

    /// <summary>The loop's thread stands still between <see cref="Reached"/> and <see cref="Release"/>.</summary>
    public sealed class Hold
    {
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Reached => _reached.Task;

        public void Release() => _released.TrySetResult();

        public void Wait()
        {
            _reached.TrySetResult();
            _released.Task.Wait();
        }
    }

    private sealed class Watch : IEngineObserver
    {
        private int _rounds;
        private int _ended;

        public int Rounds => Volatile.Read(ref _rounds);

        public int Ended => Volatile.Read(ref _ended);

        public void OnStep(in StepRecord step)
        {
        }

        public void OnRound(in RoundRecord round) => Interlocked.Increment(ref _rounds);

        public void OnEnded(Sequence sequence) => Interlocked.Increment(ref _ended);

        public void OnPassFailed(Exception error)
        {
        }
    }
}
