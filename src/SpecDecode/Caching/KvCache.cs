namespace SpecDecode.Caching;

/// <summary>
/// The key/value cache of one sequence, as lengths. Entries below <see cref="CommittedLength"/> are what plain decoding
/// would have left; a pass writes beyond it inside a <see cref="CacheTransaction"/>, and rolling back is nothing more than
/// keeping a smaller length, since the entries beyond are overwritten before they are read.
/// </summary>
internal sealed class KvCache(IKvStorage storage) : IDisposable
{
    /// <summary>The memory.</summary>
    public IKvStorage Storage { get; } = storage;

    /// <summary>Positions that fit.</summary>
    public int Capacity => Storage.Capacity;

    /// <summary>Positions whose entries are exact and stay.</summary>
    public int CommittedLength { get; private set; }

    /// <summary>Positions whose entries may have been written: more than the committed ones while a transaction is open.</summary>
    public int CachedLength { get; private set; }

    /// <summary>Whether a transaction is open on this cache.</summary>
    public bool InTransaction { get; private set; }

    /// <summary>Forgets entries from the end.</summary>
    /// <param name="length">What stays; 0 to <see cref="CommittedLength"/>.</param>
    /// <exception cref="InvalidOperationException">A transaction is open.</exception>
    public void RollBackTo(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, CommittedLength);
        if (InTransaction)
        {
            throw new InvalidOperationException("The cache is in a transaction; it rolls back by itself when that ends.");
        }

        CommittedLength = CachedLength = length;
    }

    /// <inheritdoc/>
    public void Dispose() => Storage.Dispose();

    internal void Begin(int rows)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        if (InTransaction)
        {
            throw new InvalidOperationException("The cache is in a transaction already.");
        }

        if (rows > Capacity - CommittedLength)
        {
            throw new InvalidOperationException($"{rows} rows do not fit behind {CommittedLength} of {Capacity} positions.");
        }

        InTransaction = true;
        CachedLength = CommittedLength + rows;
    }

    internal void End(int committedLength)
    {
        CommittedLength = CachedLength = committedLength;
        InTransaction = false;
    }
}
