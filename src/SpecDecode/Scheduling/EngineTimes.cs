namespace SpecDecode.Scheduling;

/// <summary>What the thread that runs the steps has spent its time on since it began; the rest of the time it slept.</summary>
/// <param name="Step">Steps.</param>
/// <param name="Publish">Handing on tokens and records between them.</param>
/// <param name="Search">Passes of a search for layers to leave out.</param>
internal readonly record struct EngineTimes(TimeSpan Step, TimeSpan Publish, TimeSpan Search)
{
    /// <summary>The sums of two engines.</summary>
    public static EngineTimes operator +(EngineTimes one, EngineTimes other) =>
        new(one.Step + other.Step, one.Publish + other.Publish, one.Search + other.Search);
}
