namespace SpecDecode.Caching;

/// <summary>
/// The memory behind pages of keys and values, in all layers. It comes in slabs of so many pages; which pages are whose is <see cref="KvPool"/>'s business.
/// </summary>
internal interface IKvMemory : IDisposable
{
    /// <summary>Positions of a page: what the kernel of the device wants.</summary>
    int PagePositions { get; }

    /// <summary>Bytes of a page in all layers.</summary>
    long PageBytes { get; }

    /// <summary>Pages of a slab: a power of two.</summary>
    int SlabPages { get; }

    /// <summary>Makes a slab: pages <c>slab · SlabPages</c> and so on.</summary>
    /// <param name="slab">Its number; there is none with it.</param>
    /// <exception cref="SpecDecodeException">There is no memory.</exception>
    void AddSlab(int slab);

    /// <summary>Gives a slab back, of which no page is used.</summary>
    void RemoveSlab(int slab);

    /// <summary>Has the memory of a page there, which is written next, where the system can do that ahead.</summary>
    void BringIn(int page);

    /// <summary>Copies what is in a page to another.</summary>
    void Copy(int from, int to);
}
