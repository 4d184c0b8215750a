using System.Threading.Tasks.Sources;

namespace SpecDecode.Generation;

/// <summary>
/// Wakes one waiting reader. Setting it takes no lock and never blocks; a signal that nobody waits for is kept, once, for the
/// next wait. Continuations run elsewhere than on the thread that sets it.
/// </summary>
internal sealed class AsyncSignal : IValueTaskSource
{
    private const int Idle = 0;
    private const int IsSet = 1;
    private const int Awaited = 2;

    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };
    private int _state;

    /// <summary>Waits for the next signal. One wait at a time.</summary>
    public ValueTask WaitAsync()
    {
        if (Interlocked.CompareExchange(ref _state, Idle, IsSet) == IsSet)
        {
            return ValueTask.CompletedTask;
        }

        _core.Reset();
        if (Interlocked.CompareExchange(ref _state, Awaited, Idle) == Idle)
        {
            return new ValueTask(this, _core.Version);
        }

        // It was set meanwhile.
        Volatile.Write(ref _state, Idle);
        return ValueTask.CompletedTask;
    }

    /// <summary>Gives the signal; safe from any thread.</summary>
    public void Set()
    {
        while (true)
        {
            switch (Interlocked.CompareExchange(ref _state, IsSet, Idle))
            {
                case Awaited when Interlocked.CompareExchange(ref _state, Idle, Awaited) == Awaited:
                    _core.SetResult(true);
                    return;
                case Awaited:
                    // Another signal has just woken the reader; this one is kept for its next wait.
                    continue;
                default:
                    return;
            }
        }
    }

    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
