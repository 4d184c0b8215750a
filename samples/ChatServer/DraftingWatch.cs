using System.Diagnostics.Metrics;
using SpecDecode.Diagnostics;

namespace ChatServer;

/// <summary>
/// The few figures that the page shows of each model, read from the library's own instruments: what its policy has chosen and expects, and why rounds had their draft or none.
/// </summary>
internal sealed class DraftingWatch : IDisposable
{
    private const string ModelTag = "gen_ai.request.model";
    private const string ReasonTag = "specdecode.draft.reason";
    private const string PlanTag = "specdecode.draft.plan";

    private readonly MeterListener _listener = new();
    private readonly Lock _gate = new();
    private Dictionary<string, DraftingFigures> _figures = [];

    /// <summary>Begins to listen.</summary>
    public DraftingWatch()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == SpecDecodeTelemetry.MeterName && instrument.Name is
                "specdecode.draft.expected_speedup" or "specdecode.draft.calibration_error" or "specdecode.draft.decisions"
                or "specdecode.draft.choice" or "specdecode.draft.rounds" or "specdecode.draft.drafted_tokens" or "specdecode.sequences.live" or "specdecode.sequences.waiting")
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Take(instrument.Name, value, tags));
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Take(instrument.Name, value, tags));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Take(instrument.Name, value, tags));
        _listener.Start();
    }

    /// <summary>The figures as they are now, by the model's name.</summary>
    public IReadOnlyDictionary<string, DraftingFigures> Read()
    {
        lock (_gate)
        {
            _figures = [];
            _listener.RecordObservableInstruments();
            return _figures;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    private void Take(string name, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        (string? model, string? reason, string? plan) = (null, null, null);
        foreach ((string key, object? tag) in tags)
        {
            model = key == ModelTag ? tag as string : model;
            reason = key == ReasonTag ? tag as string : reason;
            plan = key == PlanTag ? tag as string : plan;
        }

        // Only observed instruments are asked for, and they are observed while the gate is held.
        if (model is null)
        {
            return;
        }

        if (!_figures.TryGetValue(model, out DraftingFigures? figures))
        {
            _figures.Add(model, figures = new DraftingFigures());
        }

        switch (name)
        {
            case "specdecode.draft.expected_speedup":
                figures.ExpectedSpeedup = value;
                break;
            case "specdecode.draft.calibration_error":
                figures.CalibrationError = value;
                break;
            case "specdecode.draft.choice" when value == 1:
                figures.Plan = plan;
                break;
            case "specdecode.draft.rounds":
                figures.DraftRounds = (long)value;
                break;
            case "specdecode.draft.drafted_tokens":
                figures.DraftedTokens = (long)value;
                break;
            case "specdecode.sequences.live":
                figures.Live = (int)value;
                break;
            case "specdecode.sequences.waiting":
                figures.Waiting = (int)value;
                break;
            case "specdecode.draft.decisions" when reason is not null:
                figures.Rounds[reason] = (long)value;
                break;
        }
    }
}
