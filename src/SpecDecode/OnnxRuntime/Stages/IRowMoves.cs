using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.Stages;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>Moves rows of a residual to where they are wanted.</summary>
internal interface IRowMoves
{
    /// <summary>Keeps rows.</summary>
    /// <param name="rows">Where they are.</param>
    /// <param name="numbers">Which.</param>
    /// <param name="kept">Takes them.</param>
    /// <param name="slots">Under which numbers; as many.</param>
    void Keep(RowBuffer rows, ReadOnlySpan<int> numbers, RowBuffer kept, ReadOnlySpan<int> slots);

    /// <summary>Puts rows and kept ones together.</summary>
    /// <param name="sources">Which, in their order.</param>
    /// <param name="rows">Where those are that were not kept.</param>
    /// <param name="kept">Where those are that were.</param>
    /// <param name="to">Takes them; not where the rows are.</param>
    /// <param name="count">How many there are to be: those behind the last are copies of it.</param>
    void Arrange(IReadOnlyList<RowSource> sources, RowBuffer rows, RowBuffer kept, RowBuffer to, int count);

    /// <summary>Picks rows.</summary>
    /// <param name="rows">Where they are.</param>
    /// <param name="numbers">Which.</param>
    /// <param name="to">Takes them; not where the rows are.</param>
    /// <param name="count">How many there are to be: those behind the last are copies of it.</param>
    void Pick(RowBuffer rows, ReadOnlySpan<int> numbers, RowBuffer to, int count);
}
