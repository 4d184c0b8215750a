namespace SpecDecode.Scheduling;

/// <summary>What a scheduler may take on.</summary>
/// <param name="MaxSequences">Most live sequences; at least 1.</param>
/// <param name="KvBytes">Most bytes that their caches may reserve together.</param>
/// <param name="PrefillChunk">Most rows of prompts in a step, all prompts together; at least 1.</param>
internal readonly record struct SchedulerLimits(int MaxSequences, long KvBytes, int PrefillChunk)
{
    /// <summary>No limits.</summary>
    public static SchedulerLimits None { get; } = new(int.MaxValue, long.MaxValue, int.MaxValue);

    /// <summary>The limits that options set.</summary>
    public static SchedulerLimits Of(RuntimeOptions runtime) => new(
        runtime.MaxSequences,
        runtime.KvCacheMegabytes is { } megabytes ? (long)megabytes << 20 : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2,
        runtime.PrefillChunk);
}
