using SpecDecode.Kernels;

namespace SpecDecode.Tests.Kernels;

/// <summary>Ways to run a product's tasks.</summary>
internal static unsafe class TestThreads
{
    /// <summary>On the pool of .NET, on so many threads at most.</summary>
    public static ParallelRun Pool(int threads) => new(&OnPool, (void*)threads);

    /// <summary>On so many threads of its own, each of which takes every n-th task, the last first.</summary>
    public static ParallelRun Own(int threads) => new(&OnOwn, (void*)threads);

    private static void OnPool(void* context, delegate*<void*, nint, void> task, void* job, nint count) =>
        Parallel.For(0, (int)count, new ParallelOptions { MaxDegreeOfParallelism = (int)context }, i => task(job, i));

    private static void OnOwn(void* context, delegate*<void*, nint, void> task, void* job, nint count)
    {
        int threads = (int)context;
        Thread[] all = new Thread[threads];
        for (int t = 0; t < threads; t++)
        {
            int first = t;
            all[t] = new Thread(() =>
            {
                for (nint i = count - 1 - first; i >= 0; i -= threads)
                {
                    task(job, i);
                }
            });
            all[t].Start();
        }

        foreach (Thread thread in all)
        {
            thread.Join();
        }
    }
}
