using SpecDecode.Generation;

namespace SpecDecode.Tests.Generation;

#pragma warning disable CA2012 // Whether a wait has ended at once is what is tested.

public class AsyncSignalTests
{
    [Fact]
    public async Task A_signal_before_the_wait_is_kept_once()
    {
        AsyncSignal signal = new();
        signal.Set();
        signal.Set();
        await signal.WaitAsync();
        Task next = signal.WaitAsync().AsTask();
        Assert.False(next.IsCompleted);
        signal.Set();
        await next;
    }

    [Fact]
    public async Task A_wait_ends_with_the_next_signal_and_elsewhere_than_on_the_thread_that_gives_it()
    {
        AsyncSignal signal = new();
        int setter = -1;
        async Task<int> Wait()
        {
            await signal.WaitAsync();
            return Environment.CurrentManagedThreadId;
        }

        Task<int> waiting = Wait();
        Assert.False(waiting.IsCompleted);
        Thread thread = new(() =>
        {
            setter = Environment.CurrentManagedThreadId;
            signal.Set();
        });
        thread.Start();
        thread.Join();
        Assert.NotEqual(setter, await waiting);
    }

    // One thread counts up and signals, as the loop does; others signal for nothing, as cancellations do. A signal that got lost
    // would leave the reader waiting for ever.
    [Fact]
    public async Task No_signal_is_lost_and_none_wakes_the_reader_twice_at_once()
    {
        const int Count = 200_000;
        AsyncSignal signal = new();
        int published = 0;
        int waits = 0;
        using CancellationTokenSource done = new();
        Thread writer = new(() =>
        {
            for (int i = 1; i <= Count; i++)
            {
                Volatile.Write(ref published, i);
                signal.Set();
                if (i % 1000 == 0)
                {
                    Thread.Yield();
                }
            }
        });
        Thread noise = new(() =>
        {
            while (!done.IsCancellationRequested)
            {
                signal.Set();
                Thread.Yield();
            }
        });

        writer.Start();
        noise.Start();
        while (Volatile.Read(ref published) < Count)
        {
            await signal.WaitAsync();
            waits++;
        }

        await done.CancelAsync();
        writer.Join();
        noise.Join();
        Assert.True(waits > 0);
    }

    // Ten thousand times the last signal alone, which nothing follows that would cover for a loss.
    [Fact]
    public async Task The_last_signal_of_all_arrives()
    {
        using SemaphoreSlim next = new(0);
        AsyncSignal signal = new();
        bool set = false;
        int rounds = 10_000;
        Thread writer = new(() =>
        {
            for (int i = 0; i < rounds; i++)
            {
                next.Wait();
                Volatile.Write(ref set, true);
                signal.Set();
            }
        });
        writer.Start();
        for (int i = 0; i < rounds; i++)
        {
            Volatile.Write(ref set, false);
            next.Release();
            while (!Volatile.Read(ref set))
            {
                await signal.WaitAsync();
            }
        }

        writer.Join();
    }
}
