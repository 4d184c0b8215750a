using System.Diagnostics.Metrics;
using SpecDecode.Drafting;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;

namespace SpecDecode.Diagnostics;

/// <summary>
/// What an engine has done since it began, in counters that are read whenever a collector asks. So every series is there with 0 before
/// anything happens, whichever comes first, the collector or the model, and counting costs an addition, whoever listens.
/// </summary>
internal sealed class EngineCounters
{
    private readonly Meter _meter;
    private readonly KeyValuePair<string, object?> _model;
    private readonly Func<int> _draftLength;
    private readonly Series _rounds;
    private readonly Series _roundTokens;
    private readonly Series _draftRounds;
    private readonly Series _drafted;
    private readonly Series _lookedUp;
    private readonly Series _uncovered;
    private readonly Series _evaluated;
    private readonly Series _discarded;
    private readonly Series _corrections;
    private readonly Series _bonuses;
    private readonly Series _outputTokens;
    private readonly Series _promptTokens;
    private readonly Series _failedPasses;

    // By place in the draft. The first of them are told: as many as a draft may have by the defaults, or has had.
    private readonly Series[] _accepted;
    private int _longestDraft;

    // By DraftReason.
    private readonly Series[] _decisions;

    // By FinishReason.
    private readonly Series[] _ended;

    // By the name of the exception; the callers' threads write it.
    private readonly Dictionary<string, Series> _refused = [];
    private readonly Lock _gate = new();
    private int _toldPositions;

    /// <summary>Makes the counters of a model.</summary>
    /// <param name="meter">What they belong to.</param>
    /// <param name="model">The attribute that every measurement carries.</param>
    /// <param name="draftLength">The draft length of requests that name none; 0 where they draft nothing.</param>
    /// <param name="refusals">The exceptions with which requests are refused.</param>
    public EngineCounters(Meter meter, KeyValuePair<string, object?> model, Func<int> draftLength, IEnumerable<Type> refusals)
    {
        _meter = meter;
        _model = model;
        _draftLength = draftLength;
        _rounds = Counter("rounds", "{round}", "Rounds that gave a sequence tokens after its first one, those without a draft included.");
        _roundTokens = Counter("rounds.output_tokens", "{token}", "Tokens that rounds gave: all but the first of each text.");
        _draftRounds = Counter("draft.rounds", "{round}", "Rounds that had a draft.");
        _drafted = Counter("draft.drafted_tokens", "{token}", "Draft tokens.");
        _lookedUp = Counter("draft.looked_up_tokens", "{token}", "Draft tokens that cost no pass of the drafter: proposed by the text's own past, or by a policy.");
        _uncovered = Counter("draft.uncovered_tokens", "{token}", "Tokens of texts that draft which were not among those that drafts choose from.");
        _evaluated = Counter("draft.evaluated_tokens", "{token}", "Draft tokens that acceptance looked at: the accepted ones and the first that was not.");
        _discarded = Counter("draft.discarded_tokens", "{token}", "Draft tokens that did not become output.");
        _corrections = Counter("corrections", "{token}", "Tokens of the verifier in place of a draft token.");
        _bonuses = Counter("bonus_tokens", "{token}", "Tokens of the verifier behind a draft that was accepted as a whole.");
        _outputTokens = Counter("output_tokens", "{token}", "Tokens that became output.");
        _promptTokens = Counter("prompt_tokens", "{token}", "Tokens of prompts that were read.");
        _failedPasses = Counter("failed_passes", "{pass}", "Passes that failed: drafts that ended early, and sequences that were tried again alone.");

        _accepted = [.. Enumerable.Range(0, DraftingOptions.MaxDraftLength).Select(position => new Series(model, TelemetryNames.DraftPosition, position))];
        Counter("draft.accepted_tokens", "{token}", "Draft tokens that became output, by their place in the draft.", Accepted);
        _decisions = [.. Enum.GetValues<DraftReason>().Select(reason => new Series(model, TelemetryNames.DraftReasonName, TelemetryNames.Of(reason)))];
        Counter("draft.decisions", "{round}", "Rounds, by why they had their draft or none.", () => Read(_decisions));
        _ended = [.. Enum.GetValues<FinishReason>().Select(reason => new Series(model, TelemetryNames.FinishReasonName, TelemetryNames.Of(reason)))];
        Counter("requests.ended", "{request}", "Requests that have ended.", () => Read(_ended));
        foreach (Type refusal in refusals)
        {
            _ = Refused(refusal);
        }

        Counter("requests.refused", "{request}", "Requests that were not taken: the queue was full, or the service stopped or had failed.", Refused);
    }

    /// <inheritdoc cref="IEngineObserver.OnStep"/>
    public void OnStep(in StepRecord step)
    {
        _outputTokens.Add(step.OutputTokens);
        _uncovered.Add(step.UncoveredTokens);
        _promptTokens.Add(step.PromptRows);
        _failedPasses.Add(step.FailedPasses);
    }

    /// <inheritdoc cref="IEngineObserver.OnRound"/>
    public void OnRound(in RoundRecord round)
    {
        _rounds.Add(1);
        _roundTokens.Add(round.Appended);
        _draftRounds.Add(round.Drafted > 0 ? 1 : 0);
        _drafted.Add(round.Drafted);
        _lookedUp.Add(round.LookedUp);
        _decisions[(int)round.Reason].Add(1);
        _evaluated.Add(round.Evaluated);
        _discarded.Add(round.Discarded);
        _corrections.Add(round.VerifierToken == TokenSource.Correction ? 1 : 0);
        _bonuses.Add(round.VerifierToken == TokenSource.Bonus ? 1 : 0);
        for (int position = 0; position < round.Accepted; position++)
        {
            _accepted[position].Add(1);
        }

        if (round.Drafted > _longestDraft)
        {
            Volatile.Write(ref _longestDraft, round.Drafted);
        }
    }

    /// <inheritdoc cref="IEngineObserver.OnEnded"/>
    public void OnEnded(Sequence sequence) => _ended[(int)sequence.FinishReason!.Value].Add(1);

    /// <inheritdoc cref="IEngineObserver.OnRefused"/>
    public void OnRefused(Exception error)
    {
        lock (_gate)
        {
            Refused(error.GetType()).Add(1);
        }
    }

    private Series Counter(string name, string unit, string description)
    {
        Series series = new(_model);
        _meter.CreateObservableCounter<long>("specdecode." + name, series.Read, unit, description);
        return series;
    }

    private void Counter(string name, string unit, string description, Func<Measurement<long>[]> read) =>
        _meter.CreateObservableCounter<long>("specdecode." + name, read, unit, description);

    // A series that has been told is told for good, also when drafts become shorter.
    private Measurement<long>[] Accepted()
    {
        lock (_gate)
        {
            _toldPositions = Math.Max(_toldPositions, Math.Max(_draftLength(), Volatile.Read(ref _longestDraft)));
            return Read(_accepted.AsSpan(0, _toldPositions));
        }
    }

    private Series Refused(Type error)
    {
        string name = error.FullName!;
        if (!_refused.TryGetValue(name, out Series? series))
        {
            _refused.Add(name, series = new Series(_model, TelemetryNames.ErrorType, name));
        }

        return series;
    }

    private Measurement<long>[] Refused()
    {
        lock (_gate)
        {
            return Read([.. _refused.Values]);
        }
    }

    private static Measurement<long>[] Read(ReadOnlySpan<Series> series)
    {
        Measurement<long>[] measurements = new Measurement<long>[series.Length];
        for (int i = 0; i < series.Length; i++)
        {
            measurements[i] = series[i].Read();
        }

        return measurements;
    }

    /// <summary>A number with its attributes; two engines write it while one model takes over from another.</summary>
    private sealed class Series
    {
        private readonly KeyValuePair<string, object?>[] _attributes;
        private long _value;

        public Series(KeyValuePair<string, object?> model) => _attributes = [model];

        public Series(KeyValuePair<string, object?> model, string key, object value) => _attributes = [model, new(key, value)];

        public void Add(long count) => Interlocked.Add(ref _value, count);

        public Measurement<long> Read() => new(Volatile.Read(ref _value), _attributes);
    }
}
