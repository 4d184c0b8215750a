using SpecDecode.Plans;

namespace SpecDecode.Tool;

/// <summary>Plans as the command line names them.</summary>
internal static class PlanArguments
{
    /// <summary>An early exit where one is given, else what is left when layers are skipped.</summary>
    /// <exception cref="SpecDecodeException">A layer that the model does not have: which there are is the model's to say, so this is bad input.</exception>
    public static LayerPlan Read(int layerCount, int? exitLayer, int[] skipAttention, int[] skipMlp)
    {
        try
        {
            return exitLayer is { } exit ? LayerPlan.EarlyExit(layerCount, exit) : LayerPlan.Skip(layerCount, skipAttention, skipMlp);
        }
        catch (ArgumentOutOfRangeException error)
        {
            throw new SpecDecodeException(error.Message.Split('\n', 2)[0], error);
        }
    }
}
