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
    private readonly EngineCounters _counters;
    private readonly EngineGauges _gauges;
    private readonly RequestKinds _kinds;
    private readonly Histogram<int> _draftedRun;
    private readonly Histogram<int> _acceptedRun;
    private readonly Histogram<int> _verifyRows;
    private readonly Histogram<double> _draftTime;
    private readonly Histogram<double> _verifyTime;
    private readonly Histogram<double> _stepTime;
    private readonly Histogram<double> _queueTime;
    private readonly Histogram<double> _prefillTime;
    private readonly Histogram<double> _decodeTime;
    private readonly Histogram<double> _requestTime;
    private readonly Histogram<double> _firstTokenTime;
    private readonly Histogram<double> _outputTokenTime;
    private readonly KeyValuePair<string, object?> _model;

    /// <summary>Makes the instruments of a model.</summary>
    /// <param name="meters">Makes the meter, and with it says who listens.</param>
    /// <param name="model">The model's name, which every measurement carries; no other model of the process has it.</param>
    /// <param name="load">What the gauges observe; null while there is none.</param>
    /// <param name="setup">How the model is set up now; null while it is not ready.</param>
    /// <param name="refusals">The exceptions with which requests are refused.</param>
    public SpecDecodeMetrics(IMeterFactory meters, string model, Func<IEngineLoad?> load, Func<ModelSetup?> setup, IEnumerable<Type> refusals)
    {
        _model = new(TelemetryNames.RequestModel, model);
        ModelMeter meter = new(
            meters.Create(new MeterOptions(SpecDecodeTelemetry.MeterName) { Version = typeof(SpecDecodeMetrics).Assembly.GetName().Version?.ToString() }), _model);
        _counters = new EngineCounters(meter, () => setup()?.Draft?.MaxLength ?? 0, refusals);
        _gauges = new EngineGauges(meter, load);
        _kinds = new RequestKinds(meter, () => setup() is { } now ? ModelSetup.StrategyOf(now.Draft) : null);
        _ = new ModelInfoGauge(meter, setup);
        _draftedRun = meter.Histogram<int>("specdecode.draft.drafted_length");
        _acceptedRun = meter.Histogram<int>("specdecode.draft.accepted_length");
        _verifyRows = meter.Histogram<int>("specdecode.verify.rows");
        _draftTime = meter.Histogram<double>("specdecode.draft.duration");
        _verifyTime = meter.Histogram<double>("specdecode.verify.duration");
        _stepTime = meter.Histogram<double>("specdecode.step.duration");
        _queueTime = meter.Histogram<double>("specdecode.queue.duration");
        _prefillTime = meter.Histogram<double>("specdecode.prefill.duration");
        _decodeTime = meter.Histogram<double>("specdecode.decode.duration");
        _requestTime = meter.Histogram<double>("gen_ai.server.request.duration");
        _firstTokenTime = meter.Histogram<double>("gen_ai.server.time_to_first_token");
        _outputTokenTime = meter.Histogram<double>("gen_ai.server.time_per_output_token");
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
            Record(_verifyRows, step.VerifyRows);
        }
    }

    /// <inheritdoc/>
    public void OnRound(in RoundRecord round)
    {
        _counters.OnRound(round);
        if (round.Drafted > 0)
        {
            Record(_draftedRun, round.Drafted);
            Record(_acceptedRun, round.Accepted);
        }
    }

    /// <inheritdoc/>
    public void OnEnded(Sequence sequence)
    {
        _counters.OnEnded(sequence);
        _kinds.Add(sequence);

        // Exemplars are of the span that is current when something is measured.
        if (RequestActivity.Of(sequence) is { } span)
        {
            Activity? caller = Activity.Current;
            Activity.Current = span;
            RecordEnd(sequence);
            Activity.Current = caller;
        }
        else
        {
            RecordEnd(sequence);
        }
    }

    /// <inheritdoc/>
    public void OnPassFailed(Exception error)
    {
    }

    /// <inheritdoc/>
    public void OnChoice(in DraftChoice choice, TimeSpan time) => _gauges.OnChoice(choice);

    /// <inheritdoc/>
    public void OnRefused(Exception error) => _counters.OnRefused(error);

    private void Record(Histogram<double> histogram, TimeSpan time)
    {
        if (histogram.Enabled)
        {
            histogram.Record(time.TotalSeconds, _model);
        }
    }

    private void Record(Histogram<int> histogram, int value)
    {
        if (histogram.Enabled)
        {
            histogram.Record(value, _model);
        }
    }

    private void RecordAnswer(Histogram<double> histogram, TimeSpan time)
    {
        if (histogram.Enabled)
        {
            histogram.Record(time.TotalSeconds, Tags());
        }
    }

    private void RecordEnd(Sequence sequence)
    {
        Record(_queueTime, sequence.QueueTime);
        RecordRequest(sequence);

        // By the conventions these are of answers alone: a text that was left or has failed would change what they say of the others.
        if (sequence.FinishReason is FinishReason.Stop or FinishReason.Length)
        {
            Record(_prefillTime, sequence.PrefillTime);
            Record(_decodeTime, sequence.DecodeTime);
            RecordAnswer(_firstTokenTime, Stopwatch.GetElapsedTime(sequence.EnqueuedTimestamp, sequence.FirstTokenTimestamp));
            if (sequence.NewTokens.Length > 1)
            {
                RecordAnswer(_outputTokenTime, sequence.DecodeTime / (sequence.NewTokens.Length - 1));
            }
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
