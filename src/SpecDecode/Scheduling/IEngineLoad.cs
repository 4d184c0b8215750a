namespace SpecDecode.Scheduling;

/// <summary>How busy an engine is; may be asked from any thread.</summary>
internal interface IEngineLoad
{
    /// <summary>Live sequences after the last step.</summary>
    int LiveCount { get; }

    /// <summary>Requests that are not live yet.</summary>
    int WaitingCount { get; }

    /// <summary>Whether requests are answered.</summary>
    bool IsReady { get; }

    /// <summary>Bytes of keys and values that live sequences had written after the last step.</summary>
    long KvUsedBytes { get; }

    /// <summary>Bytes that live sequences have reserved for keys and values.</summary>
    long KvReservedBytes { get; }

    /// <summary>Bytes that all may reserve.</summary>
    long KvLimitBytes { get; }

    /// <summary>What the thread that runs the steps has spent its time on.</summary>
    EngineTimes Times { get; }

    /// <summary>How far the search for layers to leave out has come.</summary>
    SearchProgress Search { get; }

    /// <summary>What the time of the last loading went into, by its names in telemetry; empty where nobody knows.</summary>
    IReadOnlyList<KeyValuePair<string, TimeSpan>> LoadTimes => [];
}
