using System.Diagnostics.Metrics;
using SpecDecode.Drafting;
using SpecDecode.Scheduling;

namespace SpecDecode.Diagnostics;

/// <summary>How things are with an engine at the moment when a collector asks, and what it has spent its time on.</summary>
internal sealed class EngineGauges
{
    private DraftChoice _choice = new(false, null, 1, 0);
    private readonly Lock _gate = new();

    /// <summary>Makes the gauges.</summary>
    /// <param name="meter">Makes the instruments.</param>
    /// <param name="load">What they observe; null while there is none.</param>
    public EngineGauges(ModelMeter meter, Func<IEngineLoad?> load)
    {
        meter.Gauge("specdecode.draft.expected_speedup", () => Choice.ExpectedSpeedup);
        meter.Gauge("specdecode.draft.calibration_error", () => Choice.CalibrationError);
        meter.Gauge("specdecode.draft.judged_tokens", () => Choice.JudgedTokens);
        _ = new DraftChoiceGauge(meter, () => Choice);
        meter.Gauge("specdecode.search.expected_speedup", () => load()?.Search.ExpectedSpeedup);
        meter.Gauge("specdecode.search.resting", () => load()?.Search is { IsThere: true } search ? search.IsResting ? 1 : 0 : null);
        meter.UpDown("specdecode.sequences.live", () => load()?.LiveCount ?? 0);
        meter.UpDown("specdecode.sequences.waiting", () => load()?.WaitingCount ?? 0);
        meter.UpDown("specdecode.kv_cache.used", () => load()?.KvUsedBytes ?? 0);
        meter.UpDown("specdecode.kv_cache.reserved", () => load()?.KvReservedBytes ?? 0);
        meter.UpDown("specdecode.kv_cache.kept", () => load()?.KvKeptBytes ?? 0);
        meter.UpDown("specdecode.kv_cache.shared", () => load()?.KvSharedBytes ?? 0);
        meter.UpDown("specdecode.kv_cache.limit", () => load()?.KvLimitBytes ?? 0);
        meter.Gauge("specdecode.kv_cache.utilization", () => load() is { KvLimitBytes: > 0 and var limit } engine ? (double)engine.KvReservedBytes / limit : 0);
        meter.Gauge("specdecode.model.ready", () => load()?.IsReady == true ? 1 : 0);

        Measurement<long>[] One(long value) => [new(value, meter.Model)];
        meter.Counter("specdecode.search.tried", () => One(load()?.Search.Tried ?? 0));
        meter.Counter("specdecode.search.adopted", () => One(load()?.Search.Adopted ?? 0));

        Measurement<double> Spent(string activity, TimeSpan time) => new(time.TotalSeconds, meter.Model, new(TelemetryNames.ActivityName, activity));
        meter.TimeCounter("specdecode.engine.time", () => load()?.Times is var times && times is { } spent
            ? [Spent("step", spent.Step), Spent("publish", spent.Publish), Spent("search", spent.Search)]
            : [Spent("step", default), Spent("publish", default), Spent("search", default)]);
        Measurement<double> Took(string phase, TimeSpan time) => new(time.TotalSeconds, meter.Model, new(TelemetryNames.LoadPhaseName, phase));
        meter.Gauge<double>("specdecode.model.load.duration", () => [.. (load()?.LoadTimes ?? []).Select(phase => Took(phase.Key, phase.Value))]);
    }

    private DraftChoice Choice
    {
        get
        {
            lock (_gate)
            {
                return _choice;
            }
        }
    }

    /// <summary>Takes what the policy thinks.</summary>
    public void OnChoice(in DraftChoice choice)
    {
        // It is several words, and a collector reads it from its own thread. Once in a step, and nobody waits.
        lock (_gate)
        {
            _choice = choice;
        }
    }
}
