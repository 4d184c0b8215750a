namespace SpecDecode.Caching;

/// <summary>
/// The memory behind one sequence's key/value cache, in all layers. Entries are addressed by position; which of them
/// count is <see cref="KvCache"/>'s business.
/// </summary>
internal interface IKvStorage : IDisposable
{
    /// <summary>Positions that fit.</summary>
    int Capacity { get; }
}
