using System.Runtime.InteropServices;
using SpecDecode.Caching;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Kernels.Attention;

namespace SpecDecode.OnnxRuntime.Memory;

/// <summary>
/// Pages of keys and values for the kernels of this library on the CPU: layer after layer in each page, as <see cref="PageLayout"/> lays them out. Memory is
/// taken from the system in slabs, and is there as pages are taken: in large pages where the system has them, and several at a time else (Linux). Found missing page by page of the system's
/// as it is written, it takes a tenth of a prompt's time.
/// </summary>
internal sealed unsafe class KvPageMemory : IKvMemory
{
    // Of a large page of the system, and what is brought in at once.
    private const long LargePageBytes = 2 << 20;

    // Of a slab, or of one page where that is larger. Elsewhere than on Linux there is nothing to gain by larger ones.
    private static readonly long SlabBytes = OperatingSystem.IsLinux() ? 8 * LargePageBytes : LargePageBytes;

    private readonly IBufferAllocator _allocator;
    private readonly PageLayout[] _layouts;
    private readonly nint[] _offsets;
    private readonly List<StageBuffer?> _slabs = [];

    // By slab: how much of its beginning is there.
    private readonly List<long> _there = [];
    private byte** _starts;
    private int _startCount;

    /// <summary>Lays pages out; takes no memory yet.</summary>
    /// <param name="layers">The attention of each layer.</param>
    /// <param name="precision">What keys and values are stored as.</param>
    /// <param name="allocator">Where slabs come from.</param>
    public KvPageMemory(IReadOnlyList<AttendDescription> layers, KvPrecision precision, IBufferAllocator allocator)
    {
        _allocator = allocator;
        (_layouts, _offsets, PageBytes) = LayOut(layers, precision);
        // A loop, since code that counts bits by an instruction of the processor is compiled at every start.
        while (1L << SlabShift < SlabBytes / PageBytes / 2 + 1)
        {
            SlabShift++;
        }
    }

    /// <summary>Frees what was never disposed.</summary>
    ~KvPageMemory() => NativeMemory.Free(_starts);

    /// <inheritdoc/>
    public int PagePositions => PageLayout.Positions;

    /// <inheritdoc/>
    public long PageBytes { get; }

    /// <inheritdoc/>
    public int SlabPages => 1 << SlabShift;

    /// <summary>The logarithm of <see cref="SlabPages"/>.</summary>
    public int SlabShift { get; }

    /// <summary>Where slabs begin, by number; valid until the next is added.</summary>
    public byte** Slabs => _starts;

    /// <summary>Bytes of a page of a model that is not loaded.</summary>
    public static long BytesOfPage(IReadOnlyList<AttendDescription> layers, KvPrecision precision) => LayOut(layers, precision).Bytes;

    /// <summary>How a layer's part of a page is laid out.</summary>
    public PageLayout Layout(int layer) => _layouts[layer];

    /// <summary>Where in a page a layer's part is.</summary>
    public nint Offset(int layer) => _offsets[layer];

    /// <inheritdoc/>
    public void AddSlab(int slab)
    {
        StageBuffer buffer = _allocator.Reserve(checked(PageBytes * SlabPages + (OperatingSystem.IsLinux() ? LargePageBytes : 0)), "keys and values");
        while (_slabs.Count <= slab)
        {
            _slabs.Add(null);
            _there.Add(0);
        }

        if (slab >= _startCount)
        {
            int count = Math.Max(16, 2 * (slab + 1));
            _starts = (byte**)NativeMemory.Realloc(_starts, (nuint)count * (nuint)sizeof(byte*));
            _startCount = count;
        }

        _slabs[slab] = buffer;
        _starts[slab] = (byte*)Address(buffer, 0, 1);
        _there[slab] = 0;
        if (OperatingSystem.IsLinux())
        {
            _starts[slab] = (byte*)(((nuint)_starts[slab] + (nuint)LargePageBytes - 1) & ~((nuint)LargePageBytes - 1));
            PageAdvice.UseLargePages(_starts[slab], PageBytes * SlabPages);
        }
    }

    /// <inheritdoc/>
    public void RemoveSlab(int slab)
    {
        _slabs[slab]!.Dispose();
        _slabs[slab] = null;
        _starts[slab] = null;
    }

    /// <inheritdoc/>
    public void BringIn(int page)
    {
        int slab = page >> SlabShift;
        long end = ((page & (SlabPages - 1)) + 1) * PageBytes;
        if (end > _there[slab] && OperatingSystem.IsLinux())
        {
            long whole = Math.Min((end + LargePageBytes - 1) / LargePageBytes * LargePageBytes, PageBytes * SlabPages);
            PageAdvice.Populate(_starts[slab] + _there[slab], whole - _there[slab]);
            _there[slab] = whole;
        }
    }

    /// <inheritdoc/>
    public void Copy(int from, int to) => NativeMemory.Copy(Page(from), Page(to), (nuint)PageBytes);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (StageBuffer? slab in _slabs)
        {
            slab?.Dispose();
        }

        _slabs.Clear();
        NativeMemory.Free(_starts);
        _starts = null;
        GC.SuppressFinalize(this);
    }

    private static (PageLayout[] Layouts, nint[] Offsets, long Bytes) LayOut(IReadOnlyList<AttendDescription> layers, KvPrecision precision)
    {
        PageLayout[] layouts = new PageLayout[layers.Count];
        nint[] offsets = new nint[layers.Count];
        long bytes = 0;
        for (int layer = 0; layer < layers.Count; layer++)
        {
            layouts[layer] = new PageLayout(precision, layers[layer].KeyValueHeads, layers[layer].HeadSize);
            offsets[layer] = (nint)bytes;
            bytes = checked(bytes + layouts[layer].Bytes);
        }

        return (layouts, offsets, bytes);
    }

    private static void* Address(StageBuffer buffer, long offset, int bytes) => System.Runtime.CompilerServices.Unsafe.AsPointer(ref buffer.Span<byte>(offset, bytes)[0]);

    private byte* Page(int page) => _starts[page >> SlabShift] + (page & (SlabPages - 1)) * PageBytes;
}
