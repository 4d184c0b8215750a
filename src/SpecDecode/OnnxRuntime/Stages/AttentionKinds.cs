using SpecDecode.Descriptions;
using SpecDecode.Plans;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>The kinds of attention among some blocks: what a segment has tables for.</summary>
internal static class AttentionKinds
{
    /// <summary>Each once, in the order in which they come.</summary>
    /// <param name="attends">The attention of each layer.</param>
    /// <param name="blocks">The blocks.</param>
    public static IReadOnlyList<AttendDescription> Of(IReadOnlyList<AttendDescription> attends, ReadOnlySpan<Block> blocks)
    {
        List<AttendDescription> kinds = [];
        foreach (Block block in blocks)
        {
            if (block.Kind == BlockKind.Attention && !kinds.Contains(attends[block.Layer]))
            {
                kinds.Add(attends[block.Layer]);
            }
        }

        return kinds;
    }
}
