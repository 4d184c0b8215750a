namespace SpecDecode.Scheduling;

/// <summary>How busy an engine is; may be asked from any thread.</summary>
internal interface IEngineLoad
{
    /// <summary>Live sequences after the last step.</summary>
    int LiveCount { get; }

    /// <summary>Requests that are not live yet.</summary>
    int WaitingCount { get; }

    /// <summary>Bytes that live sequences have reserved for keys and values.</summary>
    long KvReservedBytes { get; }

    /// <summary>Bytes that all may reserve.</summary>
    long KvLimitBytes { get; }
}
