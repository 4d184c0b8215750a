using System.Globalization;

namespace SpecDecode.Tool.Watch;

/// <summary>What two pages say of one model: of the time between them, or of all the time before the one where there is no other.</summary>
internal sealed class WatchFigures
{
    private const string ModelLabel = "gen_ai_request_model";

    private readonly MetricsPage _now;
    private readonly MetricsPage? _before;
    private readonly string _model;
    private readonly double? _seconds;

    /// <summary>Takes the pages.</summary>
    /// <param name="now">The last page.</param>
    /// <param name="before">The one before; null where there is none.</param>
    /// <param name="model">The model's name.</param>
    /// <param name="elapsed">Time between the two.</param>
    public WatchFigures(MetricsPage now, MetricsPage? before, string model, TimeSpan elapsed)
    {
        (_now, _before, _model) = (now, before, model);
        _seconds = before is null || elapsed <= TimeSpan.Zero ? null : elapsed.TotalSeconds;
    }

    /// <summary>The models that a page tells about.</summary>
    public static IReadOnlyList<string> Models(MetricsPage page) => [.. page.Values("specdecode_rounds_total", ModelLabel)];

    /// <summary>The model's name.</summary>
    public string Model => _model;

    /// <summary>Whether it answers requests.</summary>
    public bool IsReady => Gauge("specdecode_model_ready") == 1;

    /// <summary>Estimated speed-up over plain decoding.</summary>
    public double? Speedup => Over("specdecode_speedup_plain_time_seconds_total", "specdecode_speedup_step_time_seconds_total");

    /// <summary>What auto expects.</summary>
    public double ExpectedSpeedup => Gauge("specdecode_draft_expected_speedup");

    /// <summary>How far auto's chances are off.</summary>
    public double CalibrationError => Gauge("specdecode_draft_calibration_error");

    /// <summary>Accepted tokens of drafted ones.</summary>
    public double? AcceptanceRate => Over("specdecode_draft_accepted_tokens_total", "specdecode_draft_drafted_tokens_total");

    /// <summary>Tokens that a round gives.</summary>
    public double? TokensPerRound => Over("specdecode_rounds_output_tokens_total", "specdecode_rounds_total");

    /// <summary>Tokens of a draft.</summary>
    public double? DraftLength => Over("specdecode_draft_drafted_tokens_total", "specdecode_draft_rounds_total");

    /// <summary>Share of the steps' time that went into rejected drafts, at most.</summary>
    public double? WastedTime => Over("specdecode_draft_wasted_time_seconds_total", "specdecode_step_duration_seconds_sum");

    /// <summary>Tokens of output per second; null where there is one page alone.</summary>
    public double? TokensPerSecond => Rate("specdecode_output_tokens_total");

    /// <summary>Tokens of prompts per second.</summary>
    public double? PromptTokensPerSecond => Rate("specdecode_prompt_tokens_total");

    /// <summary>Share of time in which the engine works.</summary>
    public double? Utilisation => Rate("specdecode_engine_time_seconds_total");

    /// <summary>Requests that are worked on.</summary>
    public double Live => Gauge("specdecode_sequences_live");

    /// <summary>Requests that wait.</summary>
    public double Waiting => Gauge("specdecode_sequences_waiting");

    /// <summary>Bytes of keys and values: written, reserved, and how many may be.</summary>
    public (double Used, double Reserved, double Limit) Memory =>
        (Gauge("specdecode_kv_cache_used_bytes"), Gauge("specdecode_kv_cache_reserved_bytes"), Gauge("specdecode_kv_cache_limit_bytes"));

    /// <summary>Share of the rounds by why they had their draft or none, the most frequent first.</summary>
    public IReadOnlyList<(string Reason, double Share)> Decisions
    {
        get
        {
            double all = Change("specdecode_draft_decisions_total");
            return [.. _now.Values("specdecode_draft_decisions_total", "specdecode_draft_reason")
                .Select(reason => (reason, Share: all > 0 ? Change("specdecode_draft_decisions_total", ("specdecode_draft_reason", reason)) / all : 0))
                .Where(decision => decision.Share > 0).OrderByDescending(decision => decision.Share)];
        }
    }

    /// <summary>Share of the drafts that were accepted at least up to each position.</summary>
    public IReadOnlyList<double> AcceptanceByPosition
    {
        get
        {
            double drafts = Change("specdecode_draft_rounds_total");
            return drafts <= 0 ? [] : [.. _now.Values("specdecode_draft_accepted_tokens_total", "specdecode_draft_position")
                .OrderBy(position => int.TryParse(position, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : int.MaxValue)
                .Select(position => Change("specdecode_draft_accepted_tokens_total", ("specdecode_draft_position", position)) / drafts)];
        }
    }

    /// <summary>Requests that failed, and those that were refused.</summary>
    public (double Failed, double Refused) Errors =>
        (Change("specdecode_requests_ended_total", ("specdecode_finish_reason", "failed")), Change("specdecode_requests_refused_total"));

    /// <summary>A quantile of a histogram; null where nothing was measured.</summary>
    public double? Quantile(string histogram, double share)
    {
        (double Boundary, double Count)[] buckets = [.. _now.Values(histogram + "_bucket", "le")
            .Select(boundary => (TryBoundary(boundary), Change(histogram + "_bucket", ("le", boundary)))).OrderBy(bucket => bucket.Item1)];
        double all = buckets.Length == 0 ? 0 : buckets[^1].Count;
        if (all <= 0)
        {
            return null;
        }

        double from = 0;
        double below = 0;
        foreach ((double boundary, double count) in buckets)
        {
            if (count >= share * all)
            {
                // As Prometheus has it: evenly within the bucket; beyond the last boundary, that one.
                return double.IsInfinity(boundary) ? from : from + (boundary - from) * (count > below ? (share * all - below) / (count - below) : 1);
            }

            (from, below) = (boundary, count);
        }

        return from;
    }

    private static double TryBoundary(string text) => text == "+Inf" ? double.PositiveInfinity
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double boundary) ? boundary : double.PositiveInfinity;

    private double? Over(string counter, string other) => Change(other) is > 0 and var change ? Change(counter) / change : null;

    private double? Rate(string counter) => _seconds is { } seconds ? Change(counter) / seconds : null;

    private double Gauge(string name) => Sum(_now, name, default);

    // A counter that is less than it was has begun anew.
    private double Change(string name, (string Label, string Value) label = default)
    {
        double now = Sum(_now, name, label);
        double before = _before is null ? 0 : Sum(_before, name, label);
        return now >= before ? now - before : now;
    }

    private double Sum(MetricsPage page, string name, (string Label, string Value) label) => page.Samples(name)
        .Where(sample => sample.Labels.GetValueOrDefault(ModelLabel) == _model && (label.Label is null || sample.Labels.GetValueOrDefault(label.Label) == label.Value))
        .Sum(sample => sample.Value);
}
