namespace SpecDecode.Scheduling;

/// <summary>What a scheduler may take on.</summary>
/// <param name="MaxSequences">Most live sequences; at least 1.</param>
/// <param name="KvBytes">Most bytes that their caches may reserve together.</param>
/// <param name="PrefillChunk">Most rows of prompts in a step, all prompts together; at least 1.</param>
internal readonly record struct SchedulerLimits(int MaxSequences, long KvBytes, int PrefillChunk)
{
    /// <summary>Share of the steps' time that a search for layers to leave out may take beside them; 0 to 1.</summary>
    public double SearchShare { get; init; }

    /// <summary>By how much memory a sequence is admitted.</summary>
    public KvAdmission Admission { get; init; }

    /// <summary>Share of the memory for keys and values that may keep texts for requests that begin alike; 0 to 1.</summary>
    public double PrefixCache { get; init; }

    /// <summary>No limits, and nothing kept.</summary>
    public static SchedulerLimits None { get; } = new(int.MaxValue, long.MaxValue, int.MaxValue);

    // Of the memory, whatever the weights leave: some of them are read from their file, and a limit may be meant for managed memory.
    private const int LeastShare = 16;

    /// <summary>The limits that options set; where they set none for caches, half of the memory that the weights leave, or that there may be of a device.</summary>
    /// <param name="runtime">The options.</param>
    /// <param name="memoryBytes">What the process may use.</param>
    /// <param name="weightBytes">What the weights take of it.</param>
    /// <param name="isOnDevice">Whether keys and values lie on a device.</param>
    public static SchedulerLimits Of(RuntimeOptions runtime, long memoryBytes, long weightBytes, bool isOnDevice = false) => new(
        runtime.MaxSequences,
        runtime.KvCacheMegabytes is { } megabytes ? (long)megabytes << 20
            : isOnDevice && runtime.DeviceMemoryMegabytes is { } device ? ((long)device << 20) / 2
            : Math.Max((memoryBytes - weightBytes) / 2, memoryBytes / LeastShare),
        runtime.PrefillChunk)
    {
        SearchShare = runtime.SearchShare,
        Admission = runtime.Admission,
        PrefixCache = runtime.PrefixCache,
    };
}
