namespace SpecDecode.Kernels;

/// <summary>How the tasks of a job come to several threads.</summary>
/// <param name="run">Runs <c>task(job, 0)</c> to <c>task(job, count − 1)</c>, in any order and at once, and comes back when all have ended.</param>
/// <param name="context">Handed to it.</param>
internal readonly unsafe struct ParallelRun(delegate*<void*, delegate*<void*, nint, void>, void*, nint, void> run, void* context)
{
    /// <summary>One after the other, on the thread that asks.</summary>
    public static ParallelRun Serial => default;

    /// <summary>Runs the tasks.</summary>
    public void Run(delegate*<void*, nint, void> task, void* job, nint count)
    {
        if (run is not null && count > 1)
        {
            run(context, task, job, count);
            return;
        }

        for (nint i = 0; i < count; i++)
        {
            task(job, i);
        }
    }
}
