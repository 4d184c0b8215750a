using System.Globalization;

namespace SpecDecode.Limits;

/// <summary>How many threads compute.</summary>
/// <param name="Count">How many; null where it is left to ONNX Runtime, which takes one for each physical core of the machine.</param>
/// <param name="Reason">Why, in words.</param>
internal sealed record ThreadChoice(int? Count, string Reason)
{
    /// <summary>What the options ask for, or else as many as the process may keep busy.</summary>
    /// <param name="options">The options.</param>
    /// <param name="limits">What the process may use.</param>
    /// <remarks>
    /// A quota is rounded down: where threads together use it up before the period is over, all of them stand still until the next, and
    /// each step waits for the last of them. What is left of it serves the rest of the process.
    /// </remarks>
    public static ThreadChoice Of(RuntimeOptions options, ProcessLimits limits)
    {
        if (options.Threads is { } asked)
        {
            return new ThreadChoice(asked, asked > limits.Processors
                ? string.Create(CultureInfo.InvariantCulture, $"as Threads says, more than the {limits.Processors} processors that the process may use")
                : "as Threads says");
        }

        if (limits.Cores.Physical is null && !limits.IsCountSet && !OperatingSystem.IsLinux())
        {
            return new ThreadChoice(null, "ONNX Runtime's choice: one for each physical core");
        }

        (int Count, string Reason)[] bounds =
        [
            (limits.Cores.Physical ?? int.MaxValue, limits.Cores.IsRestricted ? "one for each physical core that its affinity allows" : "one for each physical core"),
            (limits.Quota is { } quota ? Math.Max(1, (int)Math.Min(int.MaxValue, quota)) : int.MaxValue, string.Create(CultureInfo.InvariantCulture, $"the whole processors of a quota of {limits.Quota:0.##}")),
            (limits.Processors, limits.IsCountSet ? "DOTNET_PROCESSOR_COUNT" : "one for each processor"),
        ];
        (int count, string reason) = bounds.MinBy(bound => bound.Count);
        return new ThreadChoice(count, reason);
    }
}
