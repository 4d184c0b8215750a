using System.Diagnostics.Metrics;

namespace SpecDecode.Diagnostics;

/// <summary>Makes the instruments of a model, each as its row in <see cref="InstrumentTable"/> says.</summary>
/// <param name="meter">What they belong to.</param>
/// <param name="model">The attribute that every measurement carries.</param>
internal sealed class ModelMeter(Meter meter, KeyValuePair<string, object?> model)
{
    /// <summary>The attribute that every measurement carries.</summary>
    public KeyValuePair<string, object?> Model => model;

    /// <summary>A counter of one series.</summary>
    public CounterSeries Counter(string name)
    {
        CounterSeries series = new(model);
        Counter(name, () => [series.Read()]);
        return series;
    }

    /// <summary>A counter whose series are read whenever a collector asks.</summary>
    public void Counter(string name, Func<Measurement<long>[]> read)
    {
        InstrumentRow row = Row(name, InstrumentKind.Counter);
        meter.CreateObservableCounter(name, read, row.Unit, row.Description);
    }

    /// <summary>Seconds that only grow, read whenever a collector asks.</summary>
    public void TimeCounter(string name, Func<Measurement<double>[]> read)
    {
        InstrumentRow row = Row(name, InstrumentKind.TimeCounter);
        meter.CreateObservableCounter(name, read, row.Unit, row.Description);
    }

    /// <summary>A value of the moment that may be added over instances.</summary>
    public void UpDown(string name, Func<long> read)
    {
        InstrumentRow row = Row(name, InstrumentKind.UpDown);
        meter.CreateObservableUpDownCounter(name, () => new Measurement<long>(read(), model), row.Unit, row.Description);
    }

    /// <summary>A value of the moment; null for none.</summary>
    public void Gauge(string name, Func<double?> read) =>
        Gauge<double>(name, () => read() is { } value ? [new Measurement<double>(value, model)] : []);

    /// <summary>Values of the moment.</summary>
    public void Gauge<T>(string name, Func<Measurement<T>[]> read)
        where T : struct
    {
        InstrumentRow row = Row(name, InstrumentKind.Gauge);
        meter.CreateObservableGauge(name, read, row.Unit, row.Description);
    }

    /// <summary>A histogram.</summary>
    public Histogram<T> Histogram<T>(string name)
        where T : struct
    {
        InstrumentRow row = Row(name, InstrumentKind.Histogram);
        InstrumentAdvice<T> advice = new() { HistogramBucketBoundaries = [.. row.Boundaries!.Select(boundary => (T)Convert.ChangeType(boundary, typeof(T), null))] };
        return meter.CreateHistogram(name, row.Unit, row.Description, tags: null, advice);
    }

    private static InstrumentRow Row(string name, InstrumentKind kind) => InstrumentTable.Of(name) is var row && row.Kind == kind
        ? row
        : throw new InvalidOperationException($"{name} is no {kind} in the table of instruments.");
}
