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

    /// <summary>Bytes of pages of keys and values that sequences used after the last step.</summary>
    long KvUsedBytes { get; }

    /// <summary>Bytes that they used or had been promised.</summary>
    long KvReservedBytes { get; }

    /// <summary>Bytes that all may take.</summary>
    long KvLimitBytes { get; }

    /// <summary>Bytes of pages that no sequence uses and that are kept for texts that begin alike.</summary>
    long KvKeptBytes => 0;

    /// <summary>Bytes of pages that several sequences use.</summary>
    long KvSharedBytes => 0;

    /// <summary>What the thread that runs the steps has spent its time on.</summary>
    EngineTimes Times { get; }

    /// <summary>How far the search for layers to leave out has come.</summary>
    SearchProgress Search { get; }

    /// <summary>What the time of the last loading went into, by its names in telemetry; empty where nobody knows.</summary>
    IReadOnlyList<KeyValuePair<string, TimeSpan>> LoadTimes => [];
}
