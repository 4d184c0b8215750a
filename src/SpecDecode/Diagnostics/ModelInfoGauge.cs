using System.Diagnostics.Metrics;

namespace SpecDecode.Diagnostics;

/// <summary>
/// The gauge that says how a model is set up: 1 with the attributes that hold now. Those that held before stay as 0, since collectors go
/// on telling the last value of a series that is not told any more.
/// </summary>
internal sealed class ModelInfoGauge
{
    private readonly KeyValuePair<string, object?> _model;
    private readonly Func<ModelSetup?> _setup;
    private readonly Lock _gate = new();
    private readonly List<KeyValuePair<string, object?>[]> _told = [];

    /// <summary>Makes the gauge of a model.</summary>
    /// <param name="meter">Makes the instruments.</param>
    /// <param name="setup">How the model is set up now; null while it is not loaded.</param>
    public ModelInfoGauge(ModelMeter meter, Func<ModelSetup?> setup)
    {
        _model = meter.Model;
        _setup = setup;
        meter.Gauge<int>("specdecode.model.info", Read);
    }

    private Measurement<int>[] Read()
    {
        ModelSetup? setup = _setup();
        KeyValuePair<string, object?>[] attributes = setup is null ? [] : [_model, .. setup.Attributes()];
        lock (_gate)
        {
            int now = setup is null ? _told.Count : _told.FindIndex(told => told.SequenceEqual(attributes));
            if (now < 0)
            {
                now = _told.Count;
                _told.Add(attributes);
            }

            return [.. _told.Select((told, i) => new Measurement<int>(i == now ? 1 : 0, told))];
        }
    }
}
