namespace SpecDecode.Diagnostics;

/// <summary>What an instrument is to whoever collects it.</summary>
internal enum InstrumentKind
{
    /// <summary>A whole number that only grows.</summary>
    Counter,

    /// <summary>Seconds that only grow.</summary>
    TimeCounter,

    /// <summary>A value of the moment that may be added over instances.</summary>
    UpDown,

    /// <summary>A value of the moment.</summary>
    Gauge,

    /// <summary>How often values came that lie between boundaries.</summary>
    Histogram,
}

/// <summary>An instrument as it is published: a row of <see cref="InstrumentTable"/>, and of the table in docs/telemetry.md.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Unit">Its unit, by UCUM.</param>
/// <param name="Description">What it means.</param>
/// <param name="Attributes">Attributes that its measurements may have besides the model's name.</param>
internal sealed record InstrumentRow(string Name, InstrumentKind Kind, string Unit, string Description, params string[] Attributes)
{
    /// <summary>A histogram's boundaries; null for anything else.</summary>
    public double[]? Boundaries { get; init; }

    /// <summary>What it is called in the page's column of types.</summary>
    public string TypeName => Kind switch
    {
        InstrumentKind.Counter or InstrumentKind.TimeCounter => "counter",
        InstrumentKind.Histogram => "histogram",
        _ => "gauge",
    };

    /// <summary>What the Prometheus exporter calls it; of a histogram without _bucket, _sum and _count.</summary>
    public string PrometheusName => Name.Replace('.', '_') + Unit switch
    {
        "s" => "_seconds",
        "By" => "_bytes",
        _ => "",
    } + (TypeName == "counter" ? "_total" : "");
}
