using System.Diagnostics;
using SpecDecode.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;

namespace SpecDecode.Benchmarks;

/// <summary>Metrics, and maybe an event for each round, with the time that telling them takes the engine's thread.</summary>
/// <param name="metrics">The metrics.</param>
/// <param name="hasEvents">Whether each round is an event of its request's span.</param>
internal sealed class TimedObserver(SpecDecodeMetrics metrics, bool hasEvents) : IEngineObserver
{
    private long _ticks;
    private long _steps;

    /// <summary>Time that it took, which counts that of looking at the clock.</summary>
    public TimeSpan Time => Stopwatch.GetElapsedTime(0, Volatile.Read(ref _ticks));

    /// <summary>Steps that it was told of.</summary>
    public long Steps => Volatile.Read(ref _steps);

    /// <summary>The last request that has ended.</summary>
    public Sequence? Ended { get; private set; }

    public void OnStep(in StepRecord step)
    {
        long start = Stopwatch.GetTimestamp();
        metrics.OnStep(step);
        _steps++;
        Add(start);
    }

    public void OnRound(in RoundRecord round)
    {
        long start = Stopwatch.GetTimestamp();
        metrics.OnRound(round);
        Add(start);
    }

    public void OnRoundOf(Sequence sequence)
    {
        if (hasEvents)
        {
            long start = Stopwatch.GetTimestamp();
            RequestActivity.AddRound(sequence);
            Add(start);
        }
    }

    public void OnEnded(Sequence sequence)
    {
        long start = Stopwatch.GetTimestamp();
        metrics.OnEnded(sequence);
        Add(start);
        Ended = sequence;
    }

    public void OnPassFailed(Exception error) => metrics.OnPassFailed(error);

    public void OnChoice(in DraftChoice choice, TimeSpan time)
    {
        long start = Stopwatch.GetTimestamp();
        metrics.OnChoice(choice, time);
        Add(start);
    }

    private void Add(long start) => _ticks += Stopwatch.GetTimestamp() - start;
}
