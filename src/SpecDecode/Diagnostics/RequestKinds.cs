using System.Diagnostics.Metrics;
using SpecDecode.Drafting;
using SpecDecode.Sampling;
using SpecDecode.Sequences;

namespace SpecDecode.Diagnostics;

/// <summary>
/// What drafting gave by kind of request: in which way it drafts, and by which rule tokens are accepted. So there are some twenty kinds at most. Added
/// up when a request ends; those of the defaults and of plain decoding are there with 0 before.
/// </summary>
internal sealed class RequestKinds
{
    private readonly KeyValuePair<string, object?> _model;
    private readonly Func<string?> _defaultStrategy;
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Strategy, AcceptanceRule Rule), Sums> _kinds = [];

    /// <summary>Makes the counters.</summary>
    /// <param name="meter">Makes the instruments.</param>
    /// <param name="defaultStrategy">How requests draft that do not say; null while there is no model.</param>
    public RequestKinds(ModelMeter meter, Func<string?> defaultStrategy)
    {
        _model = meter.Model;
        _defaultStrategy = defaultStrategy;
        Add(DraftingStrategy.None);
        meter.Counter("specdecode.requests.rounds", () => Read(sums => sums.Rounds));
        meter.Counter("specdecode.requests.output_tokens", () => Read(sums => sums.OutputTokens));
        meter.Counter("specdecode.requests.drafted_tokens", () => Read(sums => sums.Drafted));
        meter.Counter("specdecode.requests.accepted_tokens", () => Read(sums => sums.Accepted));
    }

    /// <summary>Adds a request that has ended.</summary>
    public void Add(Sequence sequence)
    {
        (string, AcceptanceRule) kind = (ModelSetup.StrategyOf(sequence.Drafting), sequence.Sampler.Rule);
        DraftingStatistics statistics = sequence.Statistics;
        lock (_gate)
        {
            Sums sums = Of(kind);
            sums.Rounds.Add(statistics.Rounds);
            sums.OutputTokens.Add(statistics.OutputTokens);
            sums.Drafted.Add(statistics.Drafted);
            sums.Accepted.Add(statistics.Accepted);
        }
    }

    private void Add(string strategy)
    {
        foreach (AcceptanceRule rule in Enum.GetValues<AcceptanceRule>())
        {
            _ = Of((strategy, rule));
        }
    }

    private Sums Of((string Strategy, AcceptanceRule Rule) kind)
    {
        if (!_kinds.TryGetValue(kind, out Sums? sums))
        {
            CounterSeries Series() => new(_model, new(TelemetryNames.DraftStrategy, kind.Strategy), new(TelemetryNames.AcceptanceRuleName, TelemetryNames.Of(kind.Rule)));
            _kinds.Add(kind, sums = new Sums(Series(), Series(), Series(), Series()));
        }

        return sums;
    }

    private Measurement<long>[] Read(Func<Sums, CounterSeries> choose)
    {
        string? strategy = _defaultStrategy();
        lock (_gate)
        {
            if (strategy is not null)
            {
                Add(strategy);
            }

            return CounterSeries.Read([.. _kinds.Values.Select(choose)]);
        }
    }

    private sealed record Sums(CounterSeries Rounds, CounterSeries OutputTokens, CounterSeries Drafted, CounterSeries Accepted);
}
