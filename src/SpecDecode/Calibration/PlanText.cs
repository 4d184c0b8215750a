using System.Globalization;
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
            if (word[0] is not ('A' or 'M') || !int.TryParse(word.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out int layer) || layer >= layerCount)
            {
                return null;
            }

            blocks.Add(new Block(word[0] == 'A' ? BlockKind.Attention : BlockKind.Mlp, layer));
        }

        return LayerPlan.Of(layerCount, blocks);
    }
}
