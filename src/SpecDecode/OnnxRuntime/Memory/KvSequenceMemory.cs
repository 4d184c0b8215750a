using Microsoft.ML.OnnxRuntime;
using SpecDecode.Caching;
using SpecDecode.Descriptions;

namespace SpecDecode.OnnxRuntime.Memory;

/// <summary>
/// Keys and values on a device, for a kernel that wants those of a sequence in one stretch: a page is a whole sequence, as long as any may get. In each layer keys lie head by head,
/// <c>[Hkv, positions, D]</c>, and so do values, in what stages hand on to each other. Since a page is full only where a sequence is as long as any may get, sequences that begin alike
/// share none.
/// </summary>
/// <param name="layers">The attention of each layer.</param>
/// <param name="type">What keys and values are stored as.</param>
/// <param name="positions">Longest sequence.</param>
/// <param name="device">The device's memory.</param>
/// <param name="copies">Copies within it.</param>
internal sealed class KvSequenceMemory(IReadOnlyList<AttendDescription> layers, ElementType type, int positions, IBufferAllocator device, IRowCopies copies) : IKvMemory
{
    // By sequence, and of each layer the keys and then the values.
    private readonly List<StageBuffer[]?> _sequences = [];

    /// <inheritdoc/>
    public int PagePositions => positions;

    /// <inheritdoc/>
    public long PageBytes { get; } = layers.Sum(layer => checked(2L * layer.KeyValueHeads * positions * layer.HeadSize * type.Bytes()));

    /// <inheritdoc/>
    public int SlabPages => 1;

    /// <summary>How often memory was given back: what was bound to it before must not be run again.</summary>
    public int Removals { get; private set; }

    /// <summary>Keys of a sequence in a layer, <c>[1, Hkv, positions, D]</c>.</summary>
    public OrtValue Keys(int page, int layer) => View(_sequences[page]![2 * layer], layer);

    /// <summary>Values of a sequence in a layer, <c>[1, Hkv, positions, D]</c>.</summary>
    public OrtValue Values(int page, int layer) => View(_sequences[page]![2 * layer + 1], layer);

    /// <inheritdoc/>
    public void AddSlab(int slab)
    {
        StageBuffer[] buffers = new StageBuffer[2 * layers.Count];
        try
        {
            for (int i = 0; i < buffers.Length; i++)
            {
                buffers[i] = device.Reserve(checked((long)Rows(i / 2) * layers[i / 2].HeadSize * type.Bytes()), "the keys and values of a sequence");
            }
        }
        catch
        {
            Free(buffers);
            throw;
        }

        while (_sequences.Count <= slab)
        {
            _sequences.Add(null);
        }

        _sequences[slab] = buffers;
    }

    /// <inheritdoc/>
    public void RemoveSlab(int slab)
    {
        Removals++;
        Free(_sequences[slab]!);
        _sequences[slab] = null;
    }

    /// <inheritdoc/>
    public void BringIn(int page)
    {
        // A device's memory is there when it is reserved.
    }

    /// <inheritdoc/>
    public void Copy(int from, int to)
    {
        for (int i = 0; i < 2 * layers.Count; i++)
        {
            using OrtValue source = _sequences[from]![i].View(type, 0, Rows(i / 2), layers[i / 2].HeadSize);
            using OrtValue target = _sequences[to]![i].View(type, 0, Rows(i / 2), layers[i / 2].HeadSize);
            copies.Copy(source, target);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _sequences.ForEach(buffers => Free(buffers ?? []));
        _sequences.Clear();
    }

    private static void Free(StageBuffer?[] buffers)
    {
        foreach (StageBuffer? buffer in buffers)
        {
            buffer?.Dispose();
        }
    }

    private int Rows(int layer) => checked(layers[layer].KeyValueHeads * positions);

    private OrtValue View(StageBuffer buffer, int layer) => buffer.View(type, 0, 1, layers[layer].KeyValueHeads, positions, layers[layer].HeadSize);
}
