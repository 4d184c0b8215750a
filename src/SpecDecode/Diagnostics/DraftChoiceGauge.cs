using System.Diagnostics.Metrics;
using SpecDecode.Drafting;

namespace SpecDecode.Diagnostics;

/// <summary>
/// The gauge that says which plan a policy prefers: 1 with the plan that it prefers now, 0 with those that it preferred before, since collectors go on telling the last value of
/// a series that is not told any more. Nothing before it has compared any.
/// </summary>
internal sealed class DraftChoiceGauge
{
    // Requests bring plans of their own, so there is no end of plans: those beyond the first so many are told as one.
    private const int MostPlans = 32;
    private const string None = "none";
    private const string Other = "other";

    private readonly KeyValuePair<string, object?> _model;
    private readonly Func<DraftChoice> _choice;
    private readonly Lock _gate = new();
    private readonly List<string> _told = [];

    /// <summary>Makes the gauge of a model.</summary>
    /// <param name="meter">Makes the instruments.</param>
    /// <param name="choice">What the policy thinks now.</param>
    public DraftChoiceGauge(ModelMeter meter, Func<DraftChoice> choice)
    {
        _model = meter.Model;
        _choice = choice;
        meter.Gauge<int>("specdecode.draft.choice", Read);
    }

    private Measurement<int>[] Read()
    {
        DraftChoice choice = _choice();
        lock (_gate)
        {
            if (!choice.IsKnown && _told.Count == 0)
            {
                return [];
            }

            string plan = choice.Plan?.ToString() ?? None;
            int now = _told.IndexOf(plan);
            if (now < 0)
            {
                plan = _told.Count < MostPlans ? plan : Other;
                now = _told.IndexOf(plan);
            }

            if (now < 0)
            {
                now = _told.Count;
                _told.Add(plan);
            }

            return [.. _told.Select((told, i) => new Measurement<int>(i == now ? 1 : 0, _model, new(TelemetryNames.DraftPlanName, told)))];
        }
    }
}
