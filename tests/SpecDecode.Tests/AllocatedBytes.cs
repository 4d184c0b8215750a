namespace SpecDecode.Tests;

/// <summary>
/// Managed memory that work takes whenever it is done. Now and then the runtime allocates on the thread on which it compiles or resolves
/// something, most of all on a busy machine: only what comes in each of several turns is the work's own.
/// </summary>
internal static class AllocatedBytes
{
    public static long EachTime(Action work) => EachTime(work, _ => GC.GetAllocatedBytesForCurrentThread(), work);

    /// <summary>The same of a count that something keeps.</summary>
    public static long EachTime<T>(T counter, Func<T, long> count, Action work)
    {
        long least = long.MaxValue;
        for (int turn = 0; turn < 3; turn++)
        {
            long before = count(counter);
            work();
            least = Math.Min(least, count(counter) - before);
        }

        return least;
    }
}
