namespace SpecDecode.Tests.Hosting;

/// <summary>A time that stands still until it is set.</summary>
internal sealed class SetTime : TimeProvider
{
    public double Seconds { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => TimeSpan.FromSeconds(Seconds).Ticks;
}
