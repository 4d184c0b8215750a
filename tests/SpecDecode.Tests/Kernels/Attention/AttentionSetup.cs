using System.Runtime.InteropServices;
using SpecDecode.Kernels;
using SpecDecode.Kernels.Attention;

namespace SpecDecode.Tests.Kernels.Attention;

/// <summary>
/// Some sequences with random rows, whose pages lie about in memory that is no number where nothing has been written. Rows are given to attention in calls
/// as a test likes; results are kept by sequence and position.
/// </summary>
internal sealed unsafe class AttentionSetup : IDisposable
{
    private const int SlabShift = 2;
    private const int LayerOffset = 128;

    private readonly AttentionCase _attention;
    private readonly List<nint> _slabs = [];
    private readonly nint _pageBytes;
    private readonly int[][] _pages;
    private readonly int[] _rotaryStarts;
    private readonly float[] _cosines;
    private readonly float[] _sines;
    private readonly float[] _sinks;
    private readonly KernelScratch _scratch = new();

    public AttentionSetup(AttentionCase attention, int[] lengths, int seed, float size = 1f)
    {
        _attention = attention;
        Random random = new(seed);
        Rows = [.. lengths.Select(length => Numbers(random, length * attention.PackedWidth, size))];
        Results = [.. lengths.Select(length => new float[length * attention.OutputWidth])];
        _sinks = Numbers(random, attention.QueryHeads, 2f);

        // Two tables one behind the other, of which sequences take one or the other.
        int longest = lengths.Max(), pairs = attention.HeadSize / 2;
        float[] angles = [.. Enumerable.Range(0, 2 * longest * pairs).Select(i => i / pairs % longest * MathF.Pow(i / pairs < longest ? 10_000 : 500, -(i % pairs) / (float)pairs))];
        _cosines = [.. angles.Select(MathF.Cos)];
        _sines = [.. angles.Select(MathF.Sin)];
        _rotaryStarts = [.. lengths.Select((_, i) => i % 2 * longest)];

        _pageBytes = (nint)(LayerOffset + attention.Layout.Bytes + 64);
        int[] order = [.. Enumerable.Range(0, lengths.Sum(length => (length + 15) / 16))];
        random.Shuffle(order);
        for (int i = 0; i < order.Length; i += 1 << SlabShift)
        {
            nint bytes = _pageBytes << SlabShift;
            _slabs.Add((nint)NativeMemory.AlignedAlloc((nuint)bytes, 64));
            new Span<byte>((void*)_slabs[^1], (int)bytes).Fill(0xFF);
        }

        int taken = 0;
        _pages = [.. lengths.Select(length => order[taken..(taken += (length + 15) / 16)])];
    }

    /// <summary>The packed rows of each sequence.</summary>
    public float[][] Rows { get; }

    /// <summary>What came of them.</summary>
    public float[][] Results { get; }

    public ReadOnlySpan<float> Cosines(int sequence, int position) => _cosines.AsSpan((_rotaryStarts[sequence] + position) * _attention.HeadSize / 2, _attention.HeadSize / 2);

    public ReadOnlySpan<float> Sines(int sequence, int position) => _sines.AsSpan((_rotaryStarts[sequence] + position) * _attention.HeadSize / 2, _attention.HeadSize / 2);

    public float? Sink(int head) => _attention.HasSinks ? _sinks[head] : null;

    /// <summary>Runs attention over rows of several sequences at once.</summary>
    public void Call(InstructionSet set, ParallelRun parallel, params (int Sequence, int From, int To)[] spans)
    {
        int rows = spans.Sum(span => span.To - span.From);
        using NativeBuffer<float> packed = new([.. spans.SelectMany(span => Rows[span.Sequence][(span.From * _attention.PackedWidth)..(span.To * _attention.PackedWidth)])]);
        using NativeBuffer<float> output = new(rows * _attention.OutputWidth);
        int stride = _pages.Max(pages => pages.Length);
        int[] first = new int[spans.Length + 1], past = [.. spans.Select(span => span.From)], table = new int[spans.Length * stride];
        int[] starts = [.. spans.Select(span => _rotaryStarts[span.Sequence])];
        for (int i = 0; i < spans.Length; i++)
        {
            first[i + 1] = first[i] + spans[i].To - spans[i].From;
            _pages[spans[i].Sequence].CopyTo(table, i * stride);
        }

        nint[] slabs = [.. _slabs];
        fixed (int* firstRows = first, pasts = past, pages = table, rotaryStarts = starts)
        fixed (float* cosines = _cosines, sines = _sines, sinks = _sinks)
        fixed (nint* memory = slabs)
        {
            AttentionShape shape = new()
            {
                QueryHeads = _attention.QueryHeads, KeyValueHeads = _attention.KeyValueHeads, HeadSize = _attention.HeadSize,
                Scale = 1f / MathF.Sqrt(_attention.HeadSize), Window = _attention.Window ?? int.MaxValue, SoftCap = _attention.SoftCap,
                Sinks = _attention.HasSinks ? sinks : null,
            };
            PagedAttention attention = new(shape, _attention.Layout, set, _scratch);
            attention.Run(
                new AttentionRows
                {
                    Packed = packed.Start, Output = output.Start, Rows = rows, Sequences = spans.Length, FirstRows = firstRows, Past = pasts, Pages = pages,
                    PageStride = stride, Slabs = (byte**)memory, SlabShift = SlabShift, PageBytes = _pageBytes, LayerOffset = LayerOffset,
                    Cosines = _attention.Rotates ? cosines : null, Sines = _attention.Rotates ? sines : null, RotaryStarts = rotaryStarts,
                },
                parallel);
        }

        packed.Check();
        output.Check();
        for (int i = 0; i < spans.Length; i++)
        {
            output.Span[(first[i] * _attention.OutputWidth)..(first[i + 1] * _attention.OutputWidth)].CopyTo(Results[spans[i].Sequence].AsSpan(spans[i].From * _attention.OutputWidth));
        }
    }

    public void Dispose()
    {
        _slabs.ForEach(slab => NativeMemory.AlignedFree((void*)slab));
        _scratch.Dispose();
    }

    private static float[] Numbers(Random random, int count, float size) => [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 2 - 1) * size)];
}
