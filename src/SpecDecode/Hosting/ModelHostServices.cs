using Microsoft.Extensions.Logging;

namespace SpecDecode.Hosting;

/// <summary>What the models of a host take from it.</summary>
/// <param name="Options">Where their options come from.</param>
/// <param name="Watch">Tells when a model's options change, by its key and what is set in code on top; null where they are in code alone.</param>
/// <param name="Names">What telemetry calls them.</param>
/// <param name="Telemetry">The series of a name.</param>
/// <param name="Logger">Their log.</param>
/// <param name="ContentRoot">Where relative paths begin.</param>
/// <param name="Time">The time.</param>
internal sealed record ModelHostServices(
    OptionsSource Options, Func<string, Action<SpecDecodeOptions>?, ConfigurationWatch?> Watch, ModelNames Names, Func<string, ModelTelemetry> Telemetry, ILogger<ModelHost> Logger, string ContentRoot, TimeProvider Time)
{
    /// <summary>How many models the host starts with; they share its memory.</summary>
    public int Expected { get; set; }

    /// <summary>By how many models the memory is shared that the process may use.</summary>
    public int Sharing => Math.Max(1, Math.Max(Expected, Names.KeyCount));
}
