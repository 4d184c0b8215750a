using SpecDecode.Constraints;
using SpecDecode.Drafting;
using SpecDecode.Sampling;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;
using SpecDecode.Stages;
using SpecDecode.Stops;
using SpecDecode.Tests.Constraints;
using SpecDecode.Tokenizers;

namespace SpecDecode.Tests.Scheduling;

/// <summary>What a request in a history asks for; the same seed asks for the same.</summary>
internal sealed record HistoryRequest(int[] Prompt, int MaxTokens, HashSet<int> EndOfSequence, DraftPlan? Draft, SamplingOptions Sampling)
{
    /// <summary>The seed of a constraint that knows the whole text; null for none.</summary>
    public int? Constraint { get; init; }

    /// <summary>Strings that stop it; the model's tokens are bytes then. None for nothing.</summary>
    public string[] Stops { get; init; } = [];

    public Sequence CreateSequence(int vocabularySize) => new(Prompt, MaxTokens, EndOfSequence, null, Draft, new Sampler(Sampling))
    {
        Constraints = Constraint is { } seed
            ? new SequenceConstraints([new HashedConstraint(seed)], new TokenConstraintContext(Prompt, vocabularySize, EndOfSequence, null))
            : null,
        Stops = Stops.Length > 0 ? new StopScan(new StopRule(new StopStrings(Stops), false, 0), Tokenizer.Value, Prompt) : null,
    };

    private static Lazy<TextTokenizer> Tokenizer { get; } = new(() => TextTokenizer.LoadFromFolder(TestFolders.StoryModel));

    /// <summary>The text that it gives alone and plainly.</summary>
    public (int[] Tokens, FinishReason? Reason) Alone(IStages stages)
    {
        Scheduler scheduler = new(stages, SchedulerLimits.None);
        Sequence sequence = (this with { Draft = null }).CreateSequence(stages.VocabularySize);
        scheduler.Add(sequence);
        while (!scheduler.IsIdle)
        {
            scheduler.Step();
        }

        return (sequence.NewTokens.ToArray(), sequence.FinishReason);
    }
}

/// <summary>
/// A scheduler whose sequences come, are cancelled in the middle of passes, and meet failures, all drawn from a seed. After
/// every step it is checked that nothing is lost: who is live, what is reserved, who waits.
/// </summary>
internal sealed class SchedulerHistory : IDisposable
{
    private readonly Random _random;
    private readonly FaultyStages _stages;
    private readonly Scheduler _scheduler;
    private readonly SchedulerLimits _limits;
    private readonly Func<Random, HistoryRequest> _draw;
    private readonly Dictionary<Sequence, HistoryRequest> _requests = [];
    private readonly Dictionary<Sequence, int> _waits = [];
    private int _untilFault;

    public SchedulerHistory(IStages stages, int seed, Func<Random, HistoryRequest> draw)
    {
        _random = new Random(seed);
        _draw = draw;
        _stages = new FaultyStages(stages);
        long largest = stages.Pages.BytesOf(stages.MaxSequenceLength);
        _limits = new SchedulerLimits(_random.Next(1, 7), largest + _random.NextInt64(2 * largest), _random.Next(1, 1 + stages.MaxRows));
        _scheduler = new Scheduler(_stages, _limits);
        _stages.OnMemory = () => Fail(oneIn: 40);
    }

    /// <summary>Sequences that have ended, with what they asked for.</summary>
    public List<(Sequence Sequence, HistoryRequest Request)> Ended { get; } = [];

    /// <summary>Passes that failed.</summary>
    public int FailedPasses { get; private set; }

    /// <summary>Most steps that a live sequence waited for its turn.</summary>
    public int LongestWait { get; private set; }

    public void Dispose() => _stages.Dispose();

    public void Play(int steps)
    {
        for (int step = 0; step < steps; step++)
        {
            if (Chance(2))
            {
                Join();
            }

            if (Chance(12) && _requests.Count > 0)
            {
                _requests.Keys.ElementAt(_random.Next(_requests.Count)).RequestCancellation();
            }

            ArrangeFault();
            Step();
        }

        _stages.OnCall = null;
        _stages.OnMemory = null;
        for (int left = 5000; !_scheduler.IsIdle; left--)
        {
            Assert.True(left > 0, "The sequences do not end.");
            Step();
        }

        Assert.Empty(_requests);
        Assert.Equal((0, 0L, 0), (_scheduler.Live.Count + _scheduler.Waiting.Count, _scheduler.Budget.Reserved, _stages.Pages.Used));
    }

    private void Join()
    {
        HistoryRequest request = _draw(_random);
        Sequence sequence = request.CreateSequence(_stages.VocabularySize);
        _requests.Add(sequence, request);
        _scheduler.Add(sequence);
    }

    // In some step from now on a call fails, or a sequence is cancelled while the call runs.
    private void ArrangeFault()
    {
        if (_stages.OnCall is not null || !Chance(4))
        {
            return;
        }

        _untilFault = _random.Next(1, 120);
        bool fails = Chance(2);
        _stages.OnCall = () =>
        {
            if (--_untilFault > 0)
            {
                return;
            }

            _stages.OnCall = null;
            if (fails)
            {
                throw new ScriptedFailureException();
            }

            _scheduler.Live[_random.Next(_scheduler.Live.Count)].RequestCancellation();
        };
    }

    private void Step()
    {
        Dictionary<Sequence, int> before = _scheduler.Live.ToDictionary(sequence => sequence, sequence => sequence.Cache.CommittedLength);
        Sequence[] waiting = [.. _scheduler.Waiting];
        FailedPasses += _scheduler.Step().FailedPasses;

        Assert.InRange(_scheduler.Live.Count, 0, _limits.MaxSequences);
        Assert.InRange(_scheduler.Budget.Reserved, 0, _limits.KvBytes);
        Assert.Equal(_scheduler.Live.Sum(sequence => sequence.ReservedBytes), _scheduler.Budget.Reserved);
        Assert.Equal(_scheduler.Live.Sum(sequence => sequence.Cache.Pages.Length), _stages.Pages.Used);
        Assert.Equal(waiting.Where(sequence => _scheduler.Waiting.Contains(sequence)), _scheduler.Waiting);
        foreach (Sequence sequence in _scheduler.Live)
        {
            Assert.Null(sequence.FinishReason);
            Assert.False(sequence.Cache.InTransaction);
            bool served = before.TryGetValue(sequence, out int committed) && sequence.Cache.CommittedLength > committed;
            _waits[sequence] = served ? 0 : _waits.GetValueOrDefault(sequence) + 1;
            LongestWait = Math.Max(LongestWait, _waits[sequence]);
        }

        foreach (Sequence sequence in _scheduler.Ended)
        {
            Assert.NotNull(sequence.FinishReason);
            Assert.Equal(sequence.FinishReason == FinishReason.Failed, sequence.Error is ScriptedFailureException);
            Assert.True(_requests.Remove(sequence, out HistoryRequest? request));
            Ended.Add((sequence, request));
        }
    }

    private bool Chance(int oneIn) => _random.Next(oneIn) == 0;

    private void Fail(int oneIn)
    {
        if (Chance(oneIn))
        {
            throw new ScriptedFailureException();
        }
    }
}
