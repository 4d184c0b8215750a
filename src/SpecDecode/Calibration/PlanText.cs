using SpecDecode.Plans;

namespace SpecDecode.Calibration;

/// <summary>Plans as text: <c>A0 M0 A2</c>, as <see cref="LayerPlan.ToString"/> has them.</summary>
internal static class PlanText
{
    // A plan that runs blocks repeatedly is no longer than this many times the model.
    private const int MostRepeats = 4;

    /// <summary>Reads a plan; null where it is none of a model with so many layers.</summary>
    public static LayerPlan? TryParse(string text, int layerCount)
    {
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length > 2 * MostRepeats * layerCount)
        {
            return null;
        }

        List<Block> blocks = [];
        foreach (string word in words)
        {
            if (Block.TryParse(word, layerCount) is not { } block)
            {
                return null;
            }

            blocks.Add(block);
        }

        return LayerPlan.HasBridgeLast(blocks) ? LayerPlan.Of(layerCount, blocks) : null;
    }
}
