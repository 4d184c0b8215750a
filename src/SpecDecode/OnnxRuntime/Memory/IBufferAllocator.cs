namespace SpecDecode.OnnxRuntime.Memory;

/// <summary>
/// Where every buffer of the engine comes from: residuals, attention rows, logits, keys and values. One implementation
/// for each kind of memory.
/// </summary>
internal interface IBufferAllocator
{
    /// <summary>
    /// Reserves memory. In the process's own it is address space that reads as zero and takes memory only where it has been written; on a device nothing is said of
    /// what it reads as.
    /// </summary>
    /// <param name="bytes">How much, at least 1.</param>
    /// <param name="purpose">What for, for the error message.</param>
    /// <exception cref="SpecDecodeException">The operating system or the device refuses.</exception>
    StageBuffer Reserve(long bytes, string purpose);
}
