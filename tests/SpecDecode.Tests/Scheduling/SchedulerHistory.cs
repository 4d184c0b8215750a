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
        _limits = new SchedulerLimits(_random.Next(1, 7), largest + _random.NextInt64(2 * largest), _random.Next(1, 1 + stages.MaxRows))
        {
            Admission = Chance(4) ? KvAdmission.Reserve : KvAdmission.Paged,
            PrefixCache = Chance(4) ? 0 : _random.NextDouble(),
        };
        _scheduler = new Scheduler(_stages, _limits);
        _stages.OnMemory = () => Fail(oneIn: 40);
    }

    /// <summary>Sequences that have ended, with what they asked for.</summary>
    public List<(Sequence Sequence, HistoryRequest Request)> Ended { get; } = [];

    /// <summary>Passes that failed.</summary>
    public int FailedPasses { get; private set; }

    /// <summary>Sequences that gave their memory up.</summary>
    public int Preemptions { get; private set; }

    /// <summary>Tokens of prompts that were found in the pages of others.</summary>
    public int CachedTokens { get; private set; }

    /// <summary>Most steps that a live sequence waited for its turn.</summary>
    public int LongestWait { get; private set; }

    public void Dispose()
    {
        _scheduler.ForgetKept();
        _stages.Dispose();
    }

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
        Assert.Equal((0, 0L), (_scheduler.Live.Count + _scheduler.Waiting.Count, _scheduler.Budget.Reserved));
        Assert.Equal((_scheduler.KeptPages, _scheduler.KeptPages, 0), (_stages.Pages.Used, _stages.Pages.Idle, _stages.Pages.Shared));
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
        StepRecord record = _scheduler.Step();
        FailedPasses += record.FailedPasses;
        Preemptions += record.Preemptions;
        Assert.True(record.Preemptions == 0 || (_limits.Admission == KvAdmission.Paged && _scheduler.Live.Count + _scheduler.Ended.Count > 0));

        Assert.InRange(_scheduler.Live.Count, 0, _limits.MaxSequences);
        Assert.InRange(_scheduler.Budget.Reserved, 0, _limits.KvBytes);
        Assert.InRange(_stages.Pages.Used, 0, _scheduler.Budget.Pages);
        Assert.InRange(_scheduler.KeptPages, 0, (int)(_limits.PrefixCache * _scheduler.Budget.Pages));

        // Each page has as many users as there are caches with it, and one more where it is kept.
        Dictionary<int, int> users = [];
        foreach (int page in _scheduler.Live.SelectMany(sequence => sequence.Cache.Pages.ToArray()))
        {
            users[page] = users.GetValueOrDefault(page) + 1;
        }

        Assert.Equal(users.Count, _stages.Pages.Used - _stages.Pages.Idle);
        Assert.Equal(users.Values.Count(count => count > 1), _stages.Pages.Shared);
        Assert.All(users, page => Assert.InRange(_stages.Pages.Users(page.Key), page.Value, page.Value + 1));
        Assert.All(_scheduler.Live, sequence => Assert.Equal(_stages.Pages.PagesOf(sequence.Cache.CommittedLength), sequence.Cache.Pages.Length));
        Assert.Equal(waiting.Where(sequence => _scheduler.Waiting.Contains(sequence)), _scheduler.Waiting.Where(waiting.Contains));
        Assert.Equal(_scheduler.Waiting.OrderByDescending(sequence => sequence.Priority).ThenBy(sequence => sequence.Number), _scheduler.Waiting);
        Assert.All(_scheduler.Waiting, sequence => _waits.Remove(sequence));
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
            Assert.True((sequence.FinishReason == FinishReason.Failed) == sequence.Error is ScriptedFailureException, sequence.Error?.ToString());
            CachedTokens += sequence.CachedPromptTokens;
            Assert.InRange(sequence.CachedPromptTokens, 0, sequence.PromptLength - 1);
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
