using System.Diagnostics.Metrics;

namespace SpecDecode.Diagnostics;

/// <summary>A number with its attributes; two engines write it while one model takes over from another.</summary>
internal sealed class CounterSeries
{
    private readonly KeyValuePair<string, object?>[] _attributes;
    private long _value;

    /// <summary>A series at 0.</summary>
    /// <param name="model">The attribute that every measurement carries.</param>
    /// <param name="attributes">Its own.</param>
    public CounterSeries(KeyValuePair<string, object?> model, params ReadOnlySpan<KeyValuePair<string, object?>> attributes) => _attributes = [model, .. attributes];

    /// <summary>Adds to it, from any thread.</summary>
    public void Add(long count) => Interlocked.Add(ref _value, count);

    /// <summary>Adds a time, which is read as seconds.</summary>
    public void Add(TimeSpan time) => Interlocked.Add(ref _value, time.Ticks);

    /// <summary>What it is now.</summary>
    public Measurement<long> Read() => new(Volatile.Read(ref _value), _attributes);

    /// <summary>What it is now, of one that times were added to.</summary>
    public Measurement<double> ReadSeconds() => new(new TimeSpan(Volatile.Read(ref _value)).TotalSeconds, _attributes);

    /// <summary>What several are now.</summary>
    public static Measurement<long>[] Read(ReadOnlySpan<CounterSeries> series)
    {
        Measurement<long>[] measurements = new Measurement<long>[series.Length];
        for (int i = 0; i < series.Length; i++)
        {
            measurements[i] = series[i].Read();
        }

        return measurements;
    }
}
