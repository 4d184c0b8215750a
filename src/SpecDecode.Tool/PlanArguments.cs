using SpecDecode.Plans;

namespace SpecDecode.Tool;

/// <summary>Plans as the command line names them.</summary>
internal static class PlanArguments
{
    /// <summary>An early exit where one is given, else what is left when layers are skipped.</summary>
    /// <exception cref="SpecDecodeException">A layer that the model does not have: which there are is the model's to say, so this is bad input.</exception>
    public static LayerPlan Read(int layerCount, int? exitLayer, int[] skipAttention, int[] skipMlp)
    {
        if (exitLayer is { } exit)
        {
            return exit <= layerCount
                ? LayerPlan.EarlyExit(layerCount, exit)
                : throw new SpecDecodeException($"--exit-layer is {exit}, but the model has {layerCount} layers: give 1 to {layerCount}.");
        }

        return LayerPlan.LayerSkip(layerCount, Checked("--skip-attention", skipAttention), Checked("--skip-mlp", skipMlp));

        int[] Checked(string option, int[] layers) => layers.Length == 0 || layers.Max() < layerCount
            ? layers
            : throw new SpecDecodeException(
                $"{option} names layer {layers.Max()}, but the model has layers 0 to {layerCount - 1}: name only those.");
    }
}
