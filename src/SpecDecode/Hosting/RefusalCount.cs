namespace SpecDecode.Hosting;

/// <summary>Counts requests that were refused, and says when that is worth a line: where thousands come, one a while is enough. Thread-safe.</summary>
/// <param name="time">The time.</param>
internal sealed class RefusalCount(TimeProvider time)
{
    /// <summary>The least time between two lines.</summary>
    public static readonly TimeSpan Between = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private long? _told;
    private int _count;

    /// <summary>Takes one, and says how many are to be told now; 0 for none.</summary>
    public int Note()
    {
        lock (_gate)
        {
            _count++;
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
