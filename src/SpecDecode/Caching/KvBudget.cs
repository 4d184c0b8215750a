namespace SpecDecode.Caching;

/// <summary>
/// How much memory the key/value caches of all sequences may reserve together. A sequence reserves for its prompt and all of its
/// new tokens when it is admitted, so that none runs out of room in the middle.
/// </summary>
/// <param name="limit">Bytes; at least 0.</param>
internal sealed class KvBudget(long limit)
{
    /// <summary>Bytes that may be reserved.</summary>
    public long Limit { get; } = limit;

    /// <summary>Bytes that are reserved.</summary>
    public long Reserved { get; private set; }

    /// <summary>Whether so many bytes fit when nothing else is reserved.</summary>
    public bool CanEverReserve(long bytes) => bytes <= Limit;

    /// <summary>Reserves bytes if they fit beside those that are.</summary>
    public bool TryReserve(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (bytes > Limit - Reserved)
        {
            return false;
        }

        Reserved += bytes;
        return true;
    }

    /// <summary>Gives reserved bytes back.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More than is reserved.</exception>
    public void Release(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, Reserved);
        Reserved -= bytes;
    }
}
