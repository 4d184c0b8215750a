using System.Globalization;

namespace SpecDecode.Weights;

/// <summary>A time as systems keep it of files, which may be far from any that a <see cref="DateTime"/> has.</summary>
/// <param name="Seconds">Whole seconds since 1970, rounded down.</param>
/// <param name="Nanoseconds">What is left, 0 to 999,999,999.</param>
internal readonly record struct FileTime(long Seconds, uint Nanoseconds) : IComparable<FileTime>
{
    /// <summary>The time that so many ticks of 100 nanoseconds after 1970 is.</summary>
    public static FileTime OfTicks(long ticks)
    {
        long seconds = Math.DivRem(ticks, TimeSpan.TicksPerSecond, out long rest);
        return rest >= 0 ? new FileTime(seconds, (uint)(rest * TimeSpan.NanosecondsPerTick))
            : new FileTime(seconds - 1, (uint)((rest + TimeSpan.TicksPerSecond) * TimeSpan.NanosecondsPerTick));
    }

    /// <summary>The same of a time in UTC.</summary>
    public static FileTime Of(DateTime time) => OfTicks((time - DateTime.UnixEpoch).Ticks);

    /// <inheritdoc/>
    public int CompareTo(FileTime other) => Seconds == other.Seconds ? Nanoseconds.CompareTo(other.Nanoseconds) : Seconds.CompareTo(other.Seconds);

    /// <summary>In nanoseconds since 1970.</summary>
    public override string ToString() => ((decimal)Seconds * 1_000_000_000 + Nanoseconds).ToString(CultureInfo.InvariantCulture);
}
