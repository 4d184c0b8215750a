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
    /// <param name="meter">What it belongs to.</param>
    /// <param name="model">The attribute that every measurement carries.</param>
    /// <param name="setup">How the model is set up now; null while it is not loaded.</param>
    public ModelInfoGauge(Meter meter, KeyValuePair<string, object?> model, Func<ModelSetup?> setup)
    {
        _model = model;
        _setup = setup;
        meter.CreateObservableGauge<int>("specdecode.model.info", Read, "{model}", "1, with how the model is set up; 0 with how it was before its defaults changed or it was unloaded.");
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
