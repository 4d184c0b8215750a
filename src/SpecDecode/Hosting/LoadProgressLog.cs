using Microsoft.Extensions.Logging;

namespace SpecDecode.Hosting;

/// <summary>Keeps how far the loading of a model is, and logs it at intervals.</summary>
/// <param name="logger">The log.</param>
/// <param name="model">The model's name.</param>
/// <param name="time">The time.</param>
/// <param name="times">Notes what the time goes into.</param>
internal sealed class LoadProgressLog(ILogger logger, string model, TimeProvider time, LoadTimes? times = null) : IProgress<LoadProgress>
{
    /// <summary>The least time between two entries, and before the first.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private long _logged = time.GetTimestamp();
    private LoadProgress _latest;

    /// <summary>How far it is.</summary>
    public LoadProgress Latest
    {
        get
        {
            lock (_gate)
            {
                return _latest;
            }
        }
    }

    /// <inheritdoc/>
    public void Report(LoadProgress value)
    {
        times?.Note(value);
        lock (_gate)
        {
            _latest = value;
            if (time.GetElapsedTime(_logged) < Interval)
            {
                return;
            }

            _logged = time.GetTimestamp();
        }

        logger.LoadProgress(model, value);
    }
}
