using SpecDecode.Plans;

namespace SpecDecode.Scheduling;

/// <summary>A walk of packed rows through the blocks of a plan.</summary>
internal static class Pass
{
    /// <summary>Embeds the rows and runs every block of the plan on all of them; the residual stays in the stages.</summary>
    public static void Run(IStages stages, LayerPlan plan, RowBatch batch)
    {
        stages.Embed(batch);
        foreach (Block block in plan.Blocks)
        {
            stages.Run(block, batch);
        }
    }
}
