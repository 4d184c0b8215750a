using SpecDecode.Plans;

namespace SpecDecode.Stages;

/// <summary>A walk of packed rows through blocks.</summary>
internal static class Pass
{
    /// <summary>Runs the blocks in order on all rows; the residual stays in the stages.</summary>
    public static void Run(IStages stages, ReadOnlySpan<Block> blocks, RowBatch batch) => stages.Run(blocks, batch);
}
