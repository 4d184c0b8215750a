using System.Diagnostics;
using System.Diagnostics.Metrics;
using SpecDecode.Drafting;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;

namespace SpecDecode.Diagnostics;

/// <summary>
/// Turns the engine's records into instruments of the meter <see cref="SpecDecodeTelemetry.MeterName"/>, as docs/telemetry.md lists
/// them. Counters and gauges are read when a collector asks (<see cref="EngineCounters"/>, <see cref="ModelInfoGauge"/>); a histogram that
/// nobody listens to costs a comparison, and one that is listened to allocates nothing here either.
/// </summary>
internal sealed class SpecDecodeMetrics : IEngineObserver
{
    // A step takes from a millisecond to seconds; OpenTelemetry's default boundaries are made for other things.
    private static readonly InstrumentAdvice<double> Steps = new()
    {
        HistogramBucketBoundaries = [.0005, .001, .002, .004, .006, .008, .01, .015, .02, .03, .04, .06, .08, .1, .15, .25, .5, 1, 2.5, 5],
    };

    // Where there are more requests than the model answers, they wait for minutes.
    private static readonly InstrumentAdvice<double> Waits = new()
    {
        HistogramBucketBoundaries = [.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600],
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

    private readonly EngineCounters _counters;
    private readonly Histogram<int> _acceptedRun;
    private readonly Histogram<double> _draftTime;
    private readonly Histogram<double> _verifyTime;
    private readonly Histogram<double> _stepTime;
    private readonly Histogram<double> _queueTime;
    private readonly Histogram<double> _requestTime;
    private readonly Histogram<double> _firstTokenTime;
    private readonly Histogram<double> _outputTokenTime;
    private readonly KeyValuePair<string, object?> _model;
    private double _expectedSpeedup = 1;
    private double _calibrationError;

    /// <summary>Makes the instruments of a model.</summary>
    /// <param name="meters">Makes the meter, and with it says who listens.</param>
    /// <param name="model">The model's name, which every measurement carries; no other model of the process has it.</param>
    /// <param name="load">What the gauges observe; null while there is none.</param>
    /// <param name="setup">How the model is set up now; null while it is not ready.</param>
    /// <param name="refusals">The exceptions with which requests are refused.</param>
    public SpecDecodeMetrics(IMeterFactory meters, string model, Func<IEngineLoad?> load, Func<ModelSetup?> setup, IEnumerable<Type> refusals)
    {
        _model = new(TelemetryNames.RequestModel, model);
        Meter meter = meters.Create(new MeterOptions(SpecDecodeTelemetry.MeterName) { Version = typeof(SpecDecodeMetrics).Assembly.GetName().Version?.ToString() });
        _counters = new EngineCounters(meter, _model, () => setup()?.Draft?.MaxLength ?? 0, refusals);
        _ = new ModelInfoGauge(meter, _model, setup);
        Histogram<double> Seconds(string name, string description, InstrumentAdvice<double> advice) =>
            meter.CreateHistogram(name, "s", description, tags: null, advice);

        _acceptedRun = meter.CreateHistogram("specdecode.draft.accepted_length", "{token}", "Draft tokens accepted in a round that had a draft.", tags: null, Lengths);
        _draftTime = Seconds("specdecode.draft.duration", "Time of a step's draft passes, where there were any.", Steps);
        _verifyTime = Seconds("specdecode.verify.duration", "Time of a step's verifying pass.", Steps);
        _stepTime = Seconds("specdecode.step.duration", "Time of a step.", Steps);
        _queueTime = Seconds("specdecode.queue.duration", "From a request's coming to its admission, or to its end where it was never admitted.", Waits);
        _requestTime = Seconds("gen_ai.server.request.duration", "From a request's coming to its end.", Requests);
        _firstTokenTime = Seconds("gen_ai.server.time_to_first_token", "From a request's coming to its first token, where it was answered.", FirstTokens);
        _outputTokenTime = Seconds("gen_ai.server.time_per_output_token", "Time per token after the first, of a request that was answered.", Steps);

        Measurement<T> Of<T>(T value)
            where T : struct => new(value, _model);
        meter.CreateObservableGauge(TelemetryNames.ExpectedSpeedup, () => Of(Volatile.Read(ref _expectedSpeedup)), "{ratio}", "Tokens per second that auto expects, over those of plain decoding; 1 where it drafts nothing.");
        meter.CreateObservableGauge(TelemetryNames.CalibrationError, () => Of(Volatile.Read(ref _calibrationError)), "{ratio}", "Mean difference between the chances that auto said of draft tokens and how many were accepted.");
        meter.CreateObservableUpDownCounter("specdecode.sequences.live", () => Of(load()?.LiveCount ?? 0), "{sequence}", "Sequences that are worked on.");
        meter.CreateObservableUpDownCounter("specdecode.sequences.waiting", () => Of(load()?.WaitingCount ?? 0), "{sequence}", "Requests that wait for admission.");
        meter.CreateObservableUpDownCounter("specdecode.kv_cache.reserved", () => Of(load()?.KvReservedBytes ?? 0), "By", "Bytes that live sequences have reserved for keys and values.");
        meter.CreateObservableUpDownCounter("specdecode.kv_cache.limit", () => Of(load()?.KvLimitBytes ?? 0), "By", "Bytes that all sequences may reserve for keys and values.");
    }

    /// <inheritdoc/>
    public void OnStep(in StepRecord step)
    {
        _counters.OnStep(step);
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
        _counters.OnRound(round);
        if (round.Drafted > 0 && _acceptedRun.Enabled)
        {
            _acceptedRun.Record(round.Accepted, _model);
        }
    }

    /// <inheritdoc/>
    public void OnEnded(Sequence sequence)
    {
        _counters.OnEnded(sequence);
        Record(_queueTime, sequence.QueueTime);
        RecordRequest(sequence);

        // By the conventions these are of answers alone: a text that was left or has failed would change what they say of the others.
        if (sequence.FinishReason is FinishReason.Stop or FinishReason.Length)
        {
            RecordAnswer(_firstTokenTime, Stopwatch.GetElapsedTime(sequence.EnqueuedTimestamp, sequence.FirstTokenTimestamp));
            if (sequence.NewTokens.Length > 1)
            {
                RecordAnswer(_outputTokenTime, sequence.DecodeTime / (sequence.NewTokens.Length - 1));
            }
        }
    }

    /// <inheritdoc/>
    public void OnPassFailed(Exception error)
    {
    }

    /// <inheritdoc/>
    public void OnChoice(in DraftChoice choice, TimeSpan time)
    {
        Volatile.Write(ref _expectedSpeedup, choice.ExpectedSpeedup);
        Volatile.Write(ref _calibrationError, choice.CalibrationError);
    }

    /// <inheritdoc/>
    public void OnRefused(Exception error) => _counters.OnRefused(error);

    private void Record(Histogram<double> histogram, TimeSpan time)
    {
        if (histogram.Enabled)
        {
            histogram.Record(time.TotalSeconds, _model);
        }
    }

    private void RecordAnswer(Histogram<double> histogram, TimeSpan time)
    {
        if (histogram.Enabled)
        {
            histogram.Record(time.TotalSeconds, Tags());
        }
    }

    private void RecordRequest(Sequence sequence)
    {
        if (!_requestTime.Enabled)
        {
            return;
        }

        TagList tags = Tags();
        tags.Add(TelemetryNames.FinishReasonName, TelemetryNames.Of(sequence.FinishReason!.Value));
        if (sequence.Error is { } error)
        {
            tags.Add(TelemetryNames.ErrorType, error.GetType().FullName);
        }

        _requestTime.Record(Stopwatch.GetElapsedTime(sequence.EnqueuedTimestamp, sequence.EndedTimestamp).TotalSeconds, tags);
    }

    private TagList Tags() => new()
    {
        _model,
        { TelemetryNames.OperationName, TelemetryNames.Operation },
        { TelemetryNames.ProviderName, TelemetryNames.Provider },
        { TelemetryNames.ResponseModel, _model.Value },
    };
}
