using SpecDecode.OnnxRuntime.Memory;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>Rows that run beside one that must not be alone; each is a copy of it, so that nothing of another sequence is read.</summary>
internal static class Companions
{
    /// <summary>Gives the last row a companion behind it where the rule wants one.</summary>
    /// <param name="buffer">Rows of float32, and room for one more.</param>
    /// <param name="rows">How many there are.</param>
    /// <param name="rule">Says whether the last of them needs one.</param>
    /// <param name="width">Width of a row.</param>
    public static void Accompany(StageBuffer buffer, int rows, RowRule rule, int width)
    {
        if (rule.RowsToRun(rows) > rows)
        {
            Row(buffer, rows - 1, width).CopyTo(Row(buffer, rows, width));
        }
    }

    /// <summary>A row of a buffer of float32.</summary>
    public static Span<float> Row(StageBuffer buffer, int row, int width) => buffer.Span<float>((long)row * width, width);
}
