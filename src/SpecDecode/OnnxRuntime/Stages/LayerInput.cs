using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.Stages;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>
/// The residual as it was before the attention that ran last, for models whose MLPs read the same as the attention of their
/// layer. It belongs to the rows of the pass while that attention is the last block that ran, and goes with rows that are
/// kept or rearranged there, so that a row may be taken up again between the two blocks of a layer.
/// </summary>
/// <param name="rows">Room for the rows of a pass.</param>
/// <param name="kept">Room for kept rows.</param>
/// <param name="width">Width of a row.</param>
internal sealed class LayerInput(StageBuffer rows, StageBuffer kept, int width)
{
    private const int None = -1;

    private int _layer = None;

    /// <summary>Notes what a layer's attention has read.</summary>
    public void Enter(int layer, ReadOnlySpan<float> residual)
    {
        _layer = layer;
        residual.CopyTo(Rows(rows, 0, residual.Length / width));
    }

    /// <summary>Forgets it: another block has run.</summary>
    public void Leave() => _layer = None;

    /// <summary>What the layer's attention has read; null where that was not the last block that ran.</summary>
    public StageBuffer? Of(int layer) => layer == _layer ? rows : null;

    /// <summary>Keeps a row, as the residual does.</summary>
    public void Keep(int row, int slot)
    {
        if (_layer != None)
        {
            Rows(rows, row, 1).CopyTo(Rows(kept, slot, 1));
        }
    }

    /// <summary>Puts the rows together anew, as the residual does.</summary>
    /// <param name="sources">Where the rows come from, in their order.</param>
    /// <param name="scratch">Room for them, to build them in, and for companions of the last, which are copies of it.</param>
    public void Arrange(IReadOnlyList<RowSource> sources, Span<float> scratch)
    {
        if (_layer == None)
        {
            return;
        }

        int row = 0;
        for (int i = 0; i < sources.Count; i++)
        {
            RowSource source = sources[i];
            Rows(source.IsKept ? kept : rows, source.First, source.Rows).CopyTo(scratch[(row * width)..]);
            row += source.Rows;
        }

        for (; row * width < scratch.Length; row++)
        {
            scratch.Slice((row - 1) * width, width).CopyTo(scratch[(row * width)..]);
        }

        scratch.CopyTo(Rows(rows, 0, row));
    }

    private Span<float> Rows(StageBuffer buffer, int first, int count) => buffer.Span<float>((long)first * width, count * width);
}
