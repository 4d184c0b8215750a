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
/// <param name="moves">Moves them.</param>
internal sealed class LayerInput(RowBuffer rows, RowBuffer kept, IRowMoves moves)
{
    private const int None = -1;

    private int _layer = None;

    /// <summary>Notes what a layer's attention has read.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="residual">The residual before it.</param>
    /// <param name="count">Rows of it, companions among them.</param>
    public void Enter(int layer, RowBuffer residual, int count)
    {
        _layer = layer;
        residual.CopyTo(0, count, rows, 0);
    }

    /// <summary>Forgets it: another block has run.</summary>
    public void Leave() => _layer = None;

    /// <summary>What the layer's attention has read; null where that was not the last block that ran.</summary>
    public RowBuffer? Of(int layer) => layer == _layer ? rows : null;

    /// <summary>Keeps rows, as the residual does.</summary>
    public void Keep(ReadOnlySpan<int> numbers, ReadOnlySpan<int> slots)
    {
        if (_layer != None)
        {
            moves.Keep(rows, numbers, kept, slots);
        }
    }

    /// <summary>Puts the rows together anew, as the residual does.</summary>
    /// <param name="sources">Where the rows come from, in their order.</param>
    /// <param name="scratch">Room for them, to build them in.</param>
    /// <param name="count">How many there are to be, with companions of the last, which are copies of it.</param>
    public void Arrange(IReadOnlyList<RowSource> sources, RowBuffer scratch, int count)
    {
        if (_layer == None)
        {
            return;
        }

        moves.Arrange(sources, rows, kept, scratch, count);
        scratch.CopyTo(0, count, rows, 0);
    }
}
