using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.Stages;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>Moves of rows in the process's memory, stretch by stretch.</summary>
internal sealed class ProcessRowMoves : IRowMoves
{
    /// <inheritdoc/>
    public void Keep(RowBuffer rows, ReadOnlySpan<int> numbers, RowBuffer kept, ReadOnlySpan<int> slots)
    {
        for (int i = 0; i < numbers.Length; i++)
        {
            rows.CopyTo(numbers[i], 1, kept, slots[i]);
        }
    }

    /// <inheritdoc/>
    public void Arrange(IReadOnlyList<RowSource> sources, RowBuffer rows, RowBuffer kept, RowBuffer to, int count)
    {
        int row = 0;
        for (int i = 0; i < sources.Count; i++)
        {
            RowSource source = sources[i];
            (source.IsKept ? kept : rows).CopyTo(source.First, source.Rows, to, row);
            row += source.Rows;
        }

        to.Repeat(row, count);
    }

    /// <inheritdoc/>
    public void Pick(RowBuffer rows, ReadOnlySpan<int> numbers, RowBuffer to, int count)
    {
        for (int i = 0; i < numbers.Length; i++)
        {
            rows.CopyTo(numbers[i], 1, to, i);
        }

        to.Repeat(numbers.Length, count);
    }
}
