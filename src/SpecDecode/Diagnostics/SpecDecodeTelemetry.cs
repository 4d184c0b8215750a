namespace SpecDecode.Diagnostics;

/// <summary>
/// By what names telemetry of this library is listened to: for a <c>MeterListener</c>, an <c>ActivityListener</c>, or a collector
/// that takes names. The package SpecDecode.OpenTelemetry adds both to OpenTelemetry.
/// </summary>
public static class SpecDecodeTelemetry
{
    /// <summary>Name of the meter that has all instruments.</summary>
    public const string MeterName = "SpecDecode";

    /// <summary>Name of the source of the requests' spans.</summary>
    public const string ActivitySourceName = "SpecDecode";
}
