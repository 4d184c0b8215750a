namespace SpecDecode.Limits;

/// <summary>What this process may use of its machine, whatever the machine has.</summary>
/// <param name="Processors">.NET's count: affinity, a quota rounded up, or <c>DOTNET_PROCESSOR_COUNT</c>.</param>
/// <param name="IsCountSet">Whether that count was set by <c>DOTNET_PROCESSOR_COUNT</c>.</param>
/// <param name="Cores">The processors that it may run on.</param>
/// <param name="Quota">Processors' worth of time; null for no limit.</param>
/// <param name="MemoryBytes">The least of what .NET's collector takes as its limit and what a control group allows.</param>
internal sealed record ProcessLimits(int Processors, bool IsCountSet, ProcessorCores Cores, double? Quota, long MemoryBytes)
{
    /// <summary>Those of now: a container's limits may change while it runs.</summary>
    public static ProcessLimits Current => OperatingSystem.IsLinux() ? Read("/") : Of(new ProcessorCores(null, false), new ControlGroup(null, null));

    /// <summary>Reads them.</summary>
    /// <param name="root">The folder in which proc and sys lie.</param>
    public static ProcessLimits Read(string root) => Of(ProcessorCores.Read(root), ControlGroup.Read(root));

    private static ProcessLimits Of(ProcessorCores cores, ControlGroup group) => new(
        Environment.ProcessorCount,
        !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("DOTNET_PROCESSOR_COUNT")),
        cores,
        group.Quota,
        Math.Min(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, group.MemoryBytes ?? long.MaxValue));
}
