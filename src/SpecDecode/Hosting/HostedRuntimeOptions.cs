namespace SpecDecode.Hosting;

/// <summary>Section <c>Runtime</c>: where and within what limits the model runs.</summary>
public sealed class HostedRuntimeOptions : RuntimeOptions
{
    /// <summary>
    /// Requests that may wait while <see cref="RuntimeOptions.MaxSequences"/> are worked on. One more is refused at once with
    /// <see cref="Generation.QueueFullException"/>.
    /// </summary>
    /// <value>The default is 256; not negative.</value>
    [Between(0, int.MaxValue, "0 or more")]
    public int MaxQueue { get; set; } = 256;

    /// <summary>
    /// Whether the host starts while the model is still being loaded. Until it is ready, requests are refused with
    /// <see cref="Generation.ModelNotReadyException"/> and the readiness check says so.
    /// </summary>
    /// <value>The default is false: the host has started when the model is ready.</value>
    public bool LoadInBackground { get; set; }
}
