namespace SpecDecode.Hosting;

/// <summary>What the time of a loading goes into. What runs beside it on other threads counts for nothing of its own. Thread-safe.</summary>
/// <param name="time">The time.</param>
internal sealed class LoadTimes(TimeProvider time)
{
    // By LoadPhase, and behind these what is no phase of its own.
    private static readonly string[] Names = ["checking_weights", "preparing_weights", "waiting", "creating_stages", "warming_up", "other"];
    private const int WarmingUp = 4;
    private const int Other = 5;

    private readonly Lock _gate = new();
    private readonly TimeSpan[] _times = new TimeSpan[Names.Length];
    private int _phase = Other;
    private long _since = time.GetTimestamp();

    /// <summary>Takes what a loading reports.</summary>
    public void Note(LoadProgress progress) => Enter(progress.Fraction >= 1 ? Other : (int)progress.Phase);

    /// <summary>Warm-up begins.</summary>
    public void WarmUp() => Enter(WarmingUp);

    /// <summary>Ends it, and says what the time went into: every phase, also one that took none.</summary>
    public IReadOnlyList<KeyValuePair<string, TimeSpan>> End()
    {
        Enter(Other);
        lock (_gate)
        {
            return [.. Names.Select((name, i) => KeyValuePair.Create(name, _times[i]))];
        }
    }

    private void Enter(int phase)
    {
        lock (_gate)
        {
            long now = time.GetTimestamp();
            _times[_phase] += time.GetElapsedTime(_since, now);
            (_phase, _since) = (phase, now);
        }
    }
}
