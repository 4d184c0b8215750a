using OpenTelemetry.Metrics;

namespace SpecDecode.Tests.Diagnostics;

/// <summary>What OpenTelemetry has collected, at one moment; sums since its provider was made.</summary>
internal sealed class MetricReadings(IReadOnlyCollection<MetricSnapshot> snapshots)
{
    public IEnumerable<string> Names => snapshots.Select(snapshot => snapshot.Name);

    /// <summary>The sum of a counter or gauge over all points with the attributes; 0 where there is none.</summary>
    public long Sum(string instrument, params (string Key, object Value)[] attributes) =>
        Points(instrument, attributes).Sum(point => point.GetSumLong());

    /// <summary>The sum of a counter of seconds over all points with the attributes.</summary>
    public double Seconds(string instrument, params (string Key, object Value)[] attributes) => Points(instrument, attributes).Sum(point => point.GetSumDouble());

    /// <summary>The exemplars of a histogram's points.</summary>
    public Exemplar[] Exemplars(string histogram) => [.. Points(histogram, []).SelectMany(point =>
    {
        List<Exemplar> exemplars = [];
        if (point.TryGetExemplars(out ReadOnlyExemplarCollection found))
        {
            foreach (Exemplar exemplar in found)
            {
                exemplars.Add(exemplar);
            }
        }

        return exemplars;
    })];

    /// <summary>What a gauge of fractions says of the only model that has it.</summary>
    public double Gauge(string instrument) => Points(instrument, []).Select(point => point.GetGaugeLastValueDouble()).Single();

    /// <summary>What the one gauge with the attributes says.</summary>
    public double GaugeOf(string instrument, params (string Key, object Value)[] attributes) => Points(instrument, attributes).Select(point => point.GetGaugeLastValueDouble()).Single();

    /// <summary>How often a histogram was recorded.</summary>
    public long Count(string histogram, params (string Key, object Value)[] attributes) =>
        Points(histogram, attributes).Sum(point => point.GetHistogramCount());

    /// <summary>What a histogram was told, together.</summary>
    public double Total(string histogram, params (string Key, object Value)[] attributes) =>
        Points(histogram, attributes).Sum(point => point.GetHistogramSum());

    /// <summary>The values that an attribute of an instrument has.</summary>
    public object?[] Values(string instrument, string attribute) => [.. Points(instrument, []).Select(point => Tag(point, attribute)).Distinct()];

    /// <summary>The series of a counter or gauge: its attributes but for the model's name, as key=value in order, and what it says.</summary>
    public SortedDictionary<string, long> Series(string instrument, string model)
    {
        SortedDictionary<string, long> series = new(StringComparer.Ordinal);
        foreach (MetricSnapshot snapshot in snapshots.Where(snapshot => snapshot.Name == instrument))
        {
            foreach (MetricPoint point in snapshot.MetricPoints.Where(point => Equals(Tag(point, "gen_ai.request.model"), model)))
            {
                List<string> attributes = [];
                foreach (KeyValuePair<string, object?> tag in point.Tags)
                {
                    if (tag.Key != "gen_ai.request.model")
                    {
                        attributes.Add(FormattableString.Invariant($"{tag.Key}={tag.Value}"));
                    }
                }

                series.Add(
                    string.Join(' ', attributes.Order(StringComparer.Ordinal)),
                    snapshot.MetricType switch
                    {
                        MetricType.LongGauge => point.GetGaugeLastValueLong(),
                        MetricType.DoubleGauge => (long)point.GetGaugeLastValueDouble(),
                        MetricType.DoubleSum => (long)point.GetSumDouble(),
                        _ => point.GetSumLong(),
                    });
            }
        }

        return series;
    }

    private IEnumerable<MetricPoint> Points(string instrument, (string Key, object Value)[] attributes) => snapshots
        .Where(snapshot => snapshot.Name == instrument)
        .SelectMany(snapshot => snapshot.MetricPoints)
        .Where(point => attributes.All(attribute => Equals(Tag(point, attribute.Key), attribute.Value)));

    private static object? Tag(MetricPoint point, string key)
    {
        foreach (KeyValuePair<string, object?> tag in point.Tags)
        {
            if (tag.Key == key)
            {
                return tag.Value;
            }
        }

        return null;
    }
}
