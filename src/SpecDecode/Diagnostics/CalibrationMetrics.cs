using System.Diagnostics;
using System.Diagnostics.Metrics;
using SpecDecode.Calibration;

namespace SpecDecode.Diagnostics;

/// <summary>
/// How far calibrations of a model are, as instruments of the meter <see cref="SpecDecodeTelemetry.MeterName"/>, from the first one on until the model is disposed of.
/// Counters go on from one calibration to the next.
/// </summary>
internal sealed class CalibrationMetrics : IDisposable
{
    private readonly Meter _meter;
    private readonly CounterSeries[] _tried;
    private readonly CounterSeries[] _time;
    private readonly double?[] _best;
    private readonly int[] _known;
    private readonly Lock _gate = new();
    private CalibrationPhase? _phase;
    private long _told;

    /// <summary>Makes the instruments of a model.</summary>
    /// <param name="model">The model's name, which every measurement carries.</param>
    public CalibrationMetrics(string model)
    {
        _meter = new Meter(new MeterOptions(SpecDecodeTelemetry.MeterName) { Version = typeof(CalibrationMetrics).Assembly.GetName().Version?.ToString() });
        ModelMeter meter = new(_meter, new(TelemetryNames.RequestModel, model));
        string[] methods = [.. CalibrationOptions.AllMethods];
        CalibrationPhase[] phases = Enum.GetValues<CalibrationPhase>();
        KeyValuePair<string, object?> Method(int i) => new(TelemetryNames.CalibrationMethodName, methods[i]);
        KeyValuePair<string, object?> Phase(CalibrationPhase phase) => new(TelemetryNames.CalibrationPhaseName, TelemetryNames.Of(phase));

        _best = new double?[methods.Length];
        _known = new int[methods.Length];
        _tried = [.. methods.Select((_, i) => new CounterSeries(meter.Model, Method(i)))];
        meter.Counter("specdecode.calibration.tried", () => CounterSeries.Read(_tried));
        _time = [.. phases.Select(phase => new CounterSeries(meter.Model, Phase(phase)))];
        meter.TimeCounter("specdecode.calibration.time", () => [.. _time.Select(series => series.ReadSeconds())]);
        meter.Gauge<int>("specdecode.calibration.running", () =>
        {
            lock (_gate)
            {
                return [.. phases.Select(phase => new Measurement<int>(phase == _phase ? 1 : 0, meter.Model, Phase(phase)))];
            }
        });
        meter.Gauge<double>("specdecode.calibration.expected_speedup", () =>
        {
            lock (_gate)
            {
                return [.. Enumerable.Range(0, methods.Length).Where(i => _best[i] is not null).Select(i => new Measurement<double>(_best[i]!.Value, meter.Model, Method(i)))];
            }
        });
    }

    /// <summary>Follows a calibration.</summary>
    /// <param name="progress">Is told as well; null for nobody.</param>
    /// <returns>What is to be told how far it is; disposed of when the calibration ends, however it ends.</returns>
    public Watched Follow(IProgress<CalibrationProgress>? progress) => new(this, progress);

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private void Begin()
    {
        lock (_gate)
        {
            _told = Stopwatch.GetTimestamp();
            _phase = CalibrationPhase.Writing;
            Array.Clear(_best);
            Array.Clear(_known);
        }
    }

    // What was done since the last report is the phase's that reports.
    private void Take(in CalibrationProgress progress)
    {
        lock (_gate)
        {
            AddTime(progress.Phase);
            _phase = progress.Phase;
            int method = progress.Method is { } name ? IndexOf(name) : -1;
            if (method >= 0)
            {
                _tried[method].Add(progress.Done - _known[method]);
                _known[method] = progress.Done;
                _best[method] = progress.BestSpeedup;
            }
        }
    }

    private void End()
    {
        lock (_gate)
        {
            AddTime(_phase!.Value);
            _phase = null;
        }
    }

    private void AddTime(CalibrationPhase phase)
    {
        long now = Stopwatch.GetTimestamp();
        _time[(int)phase].Add(Stopwatch.GetElapsedTime(_told, now));
        _told = now;
    }

    private static int IndexOf(string method)
    {
        for (int i = 0; i < CalibrationOptions.AllMethods.Count; i++)
        {
            if (CalibrationOptions.AllMethods[i] == method)
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>A calibration that runs.</summary>
    internal sealed class Watched : IProgress<CalibrationProgress>, IDisposable
    {
        private readonly CalibrationMetrics _metrics;
        private readonly IProgress<CalibrationProgress>? _progress;

        public Watched(CalibrationMetrics metrics, IProgress<CalibrationProgress>? progress)
        {
            (_metrics, _progress) = (metrics, progress);
            metrics.Begin();
        }

        /// <inheritdoc/>
        public void Report(CalibrationProgress value)
        {
            _metrics.Take(value);
            _progress?.Report(value);
        }

        /// <inheritdoc/>
        public void Dispose() => _metrics.End();
    }
}
