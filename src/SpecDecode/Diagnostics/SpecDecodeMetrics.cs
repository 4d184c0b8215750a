using System.Diagnostics;
using System.Diagnostics.Metrics;
using SpecDecode.Drafting;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;

namespace SpecDecode.Diagnostics;

/// <summary>
/// Turns the engine's records into instruments of the meter <see cref="SpecDecodeTelemetry.MeterName"/>, as docs/telemetry.md lists
/// them. An instrument that nobody listens to costs a comparison; one that is listened to allocates nothing here either.
/// </summary>
internal sealed class SpecDecodeMetrics : IEngineObserver
{
    // A step takes from a millisecond to seconds; OpenTelemetry's default boundaries are made for other things.
    private static readonly InstrumentAdvice<double> Steps = new()
    {
        HistogramBucketBoundaries = [.0005, .001, .002, .004, .006, .008, .01, .015, .02, .03, .04, .06, .08, .1, .15, .25, .5, 1, 2.5, 5],
    };

    private static readonly InstrumentAdvice<double> Requests = new()
    {
        HistogramBucketBoundaries = [.01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92],
    };

    private static readonly InstrumentAdvice<double> FirstTokens = new()
    {
        HistogramBucketBoundaries = [.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10],
    };

    private static readonly InstrumentAdvice<int> Lengths = new() { HistogramBucketBoundaries = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 24, 32, 48, 64] };

    private readonly Counter<long> _rounds;
    private readonly Counter<long> _roundTokens;
    private readonly Counter<long> _drafted;
    private readonly Counter<long> _evaluated;
    private readonly Counter<long> _accepted;
    private readonly Counter<long> _discarded;
    private readonly Counter<long> _corrections;
    private readonly Counter<long> _bonuses;
    private readonly Counter<long> _outputTokens;
    private readonly Counter<long> _promptTokens;
    private readonly Counter<long> _failedPasses;
    private readonly Counter<long> _refused;
    private readonly Histogram<int> _acceptedRun;
    private readonly Histogram<double> _draftTime;
    private readonly Histogram<double> _verifyTime;
    private readonly Histogram<double> _stepTime;
    private readonly Histogram<double> _queueTime;
    private readonly Histogram<double> _requestTime;
    private readonly Histogram<double> _firstTokenTime;
    private readonly Histogram<double> _outputTokenTime;
    private readonly KeyValuePair<string, object?> _model;

    // By place in the draft, so that counting allocates nothing.
    private readonly object[] _positions = [.. Enumerable.Range(0, DraftingOptions.MaxDraftLength).Select(position => (object)position)];

    /// <summary>Makes the instruments of a model.</summary>
    /// <param name="meters">Makes the meter, and with it says who listens.</param>
    /// <param name="model">The model's name, which every measurement carries.</param>
    /// <param name="load">What the gauges observe; null while there is none.</param>
    public SpecDecodeMetrics(IMeterFactory meters, string model, Func<IEngineLoad?> load)
    {
        _model = new(TelemetryNames.RequestModel, model);
        Meter meter = meters.Create(new MeterOptions(SpecDecodeTelemetry.MeterName) { Version = typeof(SpecDecodeMetrics).Assembly.GetName().Version?.ToString() });
        Counter<long> Counter(string name, string unit, string description) => meter.CreateCounter<long>("specdecode." + name, unit, description);
        Histogram<double> Seconds(string name, string description, InstrumentAdvice<double> advice) =>
            meter.CreateHistogram(name, "s", description, tags: null, advice);

        _rounds = Counter("rounds", "{round}", "Rounds that gave a sequence tokens after its first one, those without a draft included.");
        _roundTokens = Counter("rounds.output_tokens", "{token}", "Tokens that rounds gave: all but the first of each text.");
        _drafted = Counter("draft.drafted_tokens", "{token}", "Tokens that the drafter proposed.");
        _evaluated = Counter("draft.evaluated_tokens", "{token}", "Draft tokens that acceptance looked at: the accepted ones and the first that was not.");
        _accepted = Counter("draft.accepted_tokens", "{token}", "Draft tokens that became output, by their place in the draft.");
        _discarded = Counter("draft.discarded_tokens", "{token}", "Draft tokens that did not become output.");
        _corrections = Counter("corrections", "{token}", "Tokens of the verifier in place of a draft token.");
        _bonuses = Counter("bonus_tokens", "{token}", "Tokens of the verifier behind a draft that was accepted as a whole.");
        _outputTokens = Counter("output_tokens", "{token}", "Tokens that became output.");
        _promptTokens = Counter("prompt_tokens", "{token}", "Tokens of prompts that were read.");
        _failedPasses = Counter("failed_passes", "{pass}", "Passes that failed: drafts that ended early, and sequences that were tried again alone.");
        _refused = Counter("requests.refused", "{request}", "Requests that were not taken: the queue was full, or the service stopped or had failed.");
        _acceptedRun = meter.CreateHistogram("specdecode.draft.accepted_length", "{token}", "Draft tokens accepted in a round that had a draft.", tags: null, Lengths);
        _draftTime = Seconds("specdecode.draft.duration", "Time of a step's draft passes, where there were any.", Steps);
        _verifyTime = Seconds("specdecode.verify.duration", "Time of a step's verifying pass.", Steps);
        _stepTime = Seconds("specdecode.step.duration", "Time of a step.", Steps);
        _queueTime = Seconds("specdecode.queue.duration", "From a request's coming to its admission, or to its end where it was never admitted.", FirstTokens);
        _requestTime = Seconds("gen_ai.server.request.duration", "From a request's coming to its end.", Requests);
        _firstTokenTime = Seconds("gen_ai.server.time_to_first_token", "From a request's coming to its first token.", FirstTokens);
        _outputTokenTime = Seconds("gen_ai.server.time_per_output_token", "Time per token after the first, of a request.", Steps);

        Measurement<T> Of<T>(T value)
            where T : struct => new(value, _model);
        meter.CreateObservableUpDownCounter("specdecode.sequences.live", () => Of(load()?.LiveCount ?? 0), "{sequence}", "Sequences that are worked on.");
        meter.CreateObservableUpDownCounter("specdecode.sequences.waiting", () => Of(load()?.WaitingCount ?? 0), "{sequence}", "Requests that wait for admission.");
        meter.CreateObservableUpDownCounter("specdecode.kv_cache.reserved", () => Of(load()?.KvReservedBytes ?? 0), "By", "Bytes that live sequences have reserved for keys and values.");
        meter.CreateObservableUpDownCounter("specdecode.kv_cache.limit", () => Of(load()?.KvLimitBytes ?? 0), "By", "Bytes that all sequences may reserve for keys and values.");
    }

    /// <inheritdoc/>
    public void OnStep(in StepRecord step)
    {
        Add(_outputTokens, step.OutputTokens);
        Add(_promptTokens, step.PromptRows);
        Add(_failedPasses, step.FailedPasses);
        if (step.DraftRows > 0)
        {
            Record(_draftTime, step.DraftTime);
        }

        if (step.VerifyRows > 0)
        {
            Record(_verifyTime, step.VerifyTime);
            Record(_stepTime, step.Time);
        }
    }

    /// <inheritdoc/>
    public void OnRound(in RoundRecord round)
    {
        Add(_rounds, 1);
        Add(_roundTokens, round.Appended);
        Add(_drafted, round.Drafted);
        Add(_evaluated, round.Evaluated);
        Add(_discarded, round.Discarded);
        Add(_corrections, round.VerifierToken == TokenSource.Correction ? 1 : 0);
        Add(_bonuses, round.VerifierToken == TokenSource.Bonus ? 1 : 0);
        for (int position = 0; _accepted.Enabled && position < round.Accepted; position++)
        {
            _accepted.Add(1, _model, new(TelemetryNames.DraftPosition, _positions[position]));
        }

        if (round.Drafted > 0 && _acceptedRun.Enabled)
        {
            _acceptedRun.Record(round.Accepted, _model);
        }
    }

    /// <inheritdoc/>
    public void OnEnded(Sequence sequence)
    {
        Record(_queueTime, sequence.QueueTime);
        if (sequence.FirstTokenTimestamp != 0)
        {
            RecordServer(_firstTokenTime, Stopwatch.GetElapsedTime(sequence.EnqueuedTimestamp, sequence.FirstTokenTimestamp), sequence);
            if (sequence.NewTokens.Length > 1)
            {
                RecordServer(_outputTokenTime, sequence.DecodeTime / (sequence.NewTokens.Length - 1), sequence);
            }
        }

        RecordServer(_requestTime, Stopwatch.GetElapsedTime(sequence.EnqueuedTimestamp, sequence.EndedTimestamp), sequence);
    }

    /// <inheritdoc/>
    public void OnPassFailed(Exception error)
    {
    }

    /// <inheritdoc/>
    public void OnRefused(Exception error)
    {
        if (_refused.Enabled)
        {
            _refused.Add(1, _model, new(TelemetryNames.ErrorType, error.GetType().FullName));
        }
    }

    private void Add(Counter<long> counter, long count)
    {
        if (count > 0 && counter.Enabled)
        {
            counter.Add(count, _model);
        }
    }

    private void Record(Histogram<double> histogram, TimeSpan time)
    {
        if (histogram.Enabled)
        {
            histogram.Record(time.TotalSeconds, _model);
        }
    }

    private void RecordServer(Histogram<double> histogram, TimeSpan time, Sequence sequence)
    {
        if (!histogram.Enabled)
        {
            return;
        }

        TagList tags = new()
        {
            _model,
            { TelemetryNames.OperationName, TelemetryNames.Operation },
            { TelemetryNames.ProviderName, TelemetryNames.Provider },
            { TelemetryNames.ResponseModel, _model.Value },
            { TelemetryNames.FinishReasonName, TelemetryNames.Of(sequence.FinishReason!.Value) },
        };
        if (sequence.Error is { } error)
        {
            tags.Add(TelemetryNames.ErrorType, error.GetType().FullName);
        }

        histogram.Record(time.TotalSeconds, tags);
    }
}
