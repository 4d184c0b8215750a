namespace SpecDecode.Hosting;

/// <summary>Counts events, such as requests that were refused, and says when they are worth a line: where thousands come, one a while is enough. Thread-safe.</summary>
/// <param name="time">The time.</param>
/// <param name="least">How many there must be.</param>
internal sealed class EventCount(TimeProvider time, int least = 1)
{
    /// <summary>The least time between two lines.</summary>
    public static readonly TimeSpan Between = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private long? _told;
    private int _count;

    /// <summary>Takes one or several, and says how many are to be told now; 0 for none.</summary>
    public int Note(int events = 1)
    {
        lock (_gate)
        {
            _count += events;
            if (_count < least)
            {
                return 0;
            }

            if (_told is { } told && time.GetElapsedTime(told) < Between)
            {
                return 0;
            }

            _told = time.GetTimestamp();
            int count = _count;
            _count = 0;
            return count;
        }
    }
}
