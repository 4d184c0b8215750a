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
    private readonly KeyValuePair<string, object?> _model;
    private readonly Func<int> _draftLength;
    private readonly CounterSeries _rounds;
    private readonly CounterSeries _roundTokens;
    private readonly CounterSeries _draftRounds;
    private readonly CounterSeries _drafted;
    private readonly CounterSeries _lookedUp;
    private readonly CounterSeries _guessed;
    private readonly CounterSeries _guessesTaken;
    private readonly CounterSeries _forced;
    private readonly CounterSeries _uncovered;
    private readonly CounterSeries _evaluated;
    private readonly CounterSeries _discarded;
    private readonly CounterSeries _draftPasses;
    private readonly CounterSeries _draftRows;
    private readonly CounterSeries _corrections;
    private readonly CounterSeries _bonuses;
    private readonly CounterSeries _outputTokens;
    private readonly CounterSeries _promptTokens;
    private readonly CounterSeries _cachedPromptTokens;
    private readonly CounterSeries _preemptions;
    private readonly CounterSeries _failedPasses;
    private readonly CounterSeries _draftWaste;
    private readonly CounterSeries _verifyWaste;
    private readonly CounterSeries _estimatedStepTime;
    private readonly CounterSeries _estimatedPlainTime;

    // By place in the draft. The first of them are told: as many as a draft may have by the defaults, or has had.
    private readonly CounterSeries[] _accepted;
    private int _longestDraft;

    // By DraftReason.
    private readonly CounterSeries[] _decisions;
    private readonly CounterSeries[] _plain;

    // By FinishReason.
    private readonly CounterSeries[] _ended;

    // By the name of the exception; the callers' threads write it.
    private readonly Dictionary<string, CounterSeries> _refused = [];
    private readonly Lock _gate = new();
    private int _toldPositions;

    /// <summary>Makes the counters of a model.</summary>
    /// <param name="meter">Makes the instruments.</param>
    /// <param name="draftLength">The draft length of requests that name none; 0 where they draft nothing.</param>
    /// <param name="refusals">The exceptions with which requests are refused.</param>
    public EngineCounters(ModelMeter meter, Func<int> draftLength, IEnumerable<Type> refusals)
    {
        _model = meter.Model;
        _draftLength = draftLength;
        _rounds = meter.Counter("specdecode.rounds");
        _roundTokens = meter.Counter("specdecode.rounds.output_tokens");
        _draftRounds = meter.Counter("specdecode.draft.rounds");
        _drafted = meter.Counter("specdecode.draft.drafted_tokens");
        _lookedUp = meter.Counter("specdecode.draft.looked_up_tokens");
        _guessed = meter.Counter("specdecode.draft.guessed_tokens");
        _guessesTaken = meter.Counter("specdecode.draft.guesses_taken");
        _forced = meter.Counter("specdecode.draft.forced_tokens");
        _uncovered = meter.Counter("specdecode.draft.uncovered_tokens");
        _evaluated = meter.Counter("specdecode.draft.evaluated_tokens");
        _discarded = meter.Counter("specdecode.draft.discarded_tokens");
        _draftPasses = meter.Counter("specdecode.draft.passes");
        _draftRows = meter.Counter("specdecode.draft.pass_rows");
        _corrections = meter.Counter("specdecode.corrections");
        _bonuses = meter.Counter("specdecode.bonus_tokens");
        _outputTokens = meter.Counter("specdecode.output_tokens");
        _promptTokens = meter.Counter("specdecode.prompt_tokens");
        _cachedPromptTokens = meter.Counter("specdecode.cached_prompt_tokens");
        _preemptions = meter.Counter("specdecode.preemptions");
        _failedPasses = meter.Counter("specdecode.failed_passes");

        CounterSeries[] By<T>(string attribute, IEnumerable<T> values, Func<T, object> name) => [.. values.Select(value => new CounterSeries(_model, new KeyValuePair<string, object?>(attribute, name(value))))];
        _accepted = By(TelemetryNames.DraftPosition, Enumerable.Range(0, DraftingOptions.MaxDraftLength), position => position);
        meter.Counter("specdecode.draft.accepted_tokens", Accepted);
        _decisions = By(TelemetryNames.DraftReasonName, Enum.GetValues<DraftReason>(), TelemetryNames.Of);
        meter.Counter("specdecode.draft.decisions", () => CounterSeries.Read(_decisions));
        _plain = By(TelemetryNames.DraftReasonName, Enum.GetValues<DraftReason>(), TelemetryNames.Of);
        meter.Counter("specdecode.rounds.plain", () => CounterSeries.Read(_plain));
        _ended = By(TelemetryNames.FinishReasonName, Enum.GetValues<FinishReason>(), TelemetryNames.Of);
        meter.Counter("specdecode.requests.ended", () => CounterSeries.Read(_ended));
        foreach (Type refusal in refusals)
        {
            _ = Refused(refusal);
        }

        meter.Counter("specdecode.requests.refused", Refused);

        CounterSeries[] waste = By(TelemetryNames.PassName, [TelemetryNames.DraftPass, TelemetryNames.VerifyPass], pass => pass);
        (_draftWaste, _verifyWaste) = (waste[0], waste[1]);
        meter.TimeCounter("specdecode.draft.wasted_time", () => [_draftWaste.ReadSeconds(), _verifyWaste.ReadSeconds()]);
        _estimatedStepTime = new CounterSeries(_model);
        meter.TimeCounter("specdecode.speedup.step_time", () => [_estimatedStepTime.ReadSeconds()]);
        _estimatedPlainTime = new CounterSeries(_model);
        meter.TimeCounter("specdecode.speedup.plain_time", () => [_estimatedPlainTime.ReadSeconds()]);
    }

    /// <inheritdoc cref="IEngineObserver.OnStep"/>
    public void OnStep(in StepRecord step)
    {
        _outputTokens.Add(step.OutputTokens);
        _uncovered.Add(step.UncoveredTokens);
        _promptTokens.Add(step.PromptRows);
        _preemptions.Add(step.Preemptions);
        _failedPasses.Add(step.FailedPasses);
        _draftPasses.Add(step.DraftPasses);
        _draftRows.Add(step.DraftRows);
        if (step.PlainTime is { } plain)
        {
            _estimatedStepTime.Add(step.Time);
            _estimatedPlainTime.Add(plain);
        }
    }

    /// <inheritdoc cref="IEngineObserver.OnRound"/>
    public void OnRound(in RoundRecord round)
    {
        _rounds.Add(1);
        _roundTokens.Add(round.Appended);
        _draftRounds.Add(round.Drafted > 0 ? 1 : 0);
        _drafted.Add(round.Drafted);
        _lookedUp.Add(round.LookedUp);
        _guessed.Add(round.Guessed);
        _guessesTaken.Add(round.GuessesTaken);
        _forced.Add(round.Forced);
        _decisions[(int)round.Reason].Add(1);
        _plain[(int)round.Reason].Add(round.Drafted > 0 ? 0 : 1);
        _evaluated.Add(round.Evaluated);
        _discarded.Add(round.Discarded);
        _corrections.Add(round.VerifierToken == TokenSource.Correction ? 1 : 0);
        _bonuses.Add(round.VerifierToken == TokenSource.Bonus ? 1 : 0);
        AddWaste(round);
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
    public void OnEnded(Sequence sequence)
    {
        _ended[(int)sequence.FinishReason!.Value].Add(1);
        _cachedPromptTokens.Add(sequence.CachedPromptTokens);
    }

    /// <inheritdoc cref="IEngineObserver.OnRefused"/>
    public void OnRefused(Exception error)
    {
        lock (_gate)
        {
            Refused(error.GetType()).Add(1);
        }
    }

    // A draft that failed as a whole has cost its passes for nothing. Rows that verification ran for tokens that it never came to count as well.
    private void AddWaste(in RoundRecord round)
    {
        if (round.Drafted == 0)
        {
            _draftWaste.Add(round.DraftTime);
        }
        else if (round.Discarded > 0)
        {
            int made = round.Drafted - round.LookedUp - round.Forced;
            _draftWaste.Add(made > 0 ? round.DraftTime * Math.Min(1, (double)round.Discarded / made) : TimeSpan.Zero);
            _verifyWaste.Add(round.VerifyTime * Math.Min(1, (double)round.Discarded / Math.Max(1, round.VerifyRows)));
        }
    }

    // A series that has been told is told for good, also when drafts become shorter.
    private Measurement<long>[] Accepted()
    {
        lock (_gate)
        {
            _toldPositions = Math.Max(_toldPositions, Math.Max(_draftLength(), Volatile.Read(ref _longestDraft)));
            return CounterSeries.Read(_accepted.AsSpan(0, _toldPositions));
        }
    }

    private CounterSeries Refused(Type error)
    {
        string name = error.FullName!;
        if (!_refused.TryGetValue(name, out CounterSeries? series))
        {
            _refused.Add(name, series = new CounterSeries(_model, new KeyValuePair<string, object?>(TelemetryNames.ErrorType, name)));
        }

        return series;
    }

    private Measurement<long>[] Refused()
    {
        lock (_gate)
        {
            return CounterSeries.Read([.. _refused.Values]);
        }
    }
}
