using System.Globalization;
using SpecDecode.Calibration;
using SpecDecode.Plans;

namespace SpecDecode.Tool.Calibrate;

/// <summary>A plan as one reads it: <c>first 4 layers</c>, <c>without A 3,5-7 M 2</c>, <c>runs A0 M0 A3 M3 A3 M3</c>, <c>all layers, on the copy, 3 guesses from layer 2</c>.</summary>
internal static class PlanWords
{
    /// <summary>Names a plan.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="layerCount">Number of the model's layers.</param>
    /// <param name="usesDraftWeights">Whether it runs on a copy of the weights.</param>
    public static string Of(LayerPlan plan, int layerCount, bool usesDraftWeights) => Words(plan, layerCount) + (usesDraftWeights ? ", on the copy" : "");

    /// <summary>Names a plan, and who guesses for it.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="layerCount">Number of the model's layers.</param>
    public static string Of(CalibratedPlan plan, int layerCount) => Of(plan.Plan, layerCount, plan.UsesDraftWeights) + (plan.CascadeExits.Count == 0 ? ""
        : string.Create(CultureInfo.InvariantCulture, $", {plan.CascadeLength} guess{(plan.CascadeLength == 1 ? "" : "es")} from layer {string.Join(" and ", plan.CascadeExits)}"));

    private static string Words(LayerPlan plan, int layerCount)
    {
        if (plan.Equals(LayerPlan.Full(layerCount)))
        {
            return "all layers";
        }

        int layers = plan.Blocks.Length / 2;
        if (layers > 0 && plan.Equals(LayerPlan.EarlyExit(layerCount, layers)))
        {
            return string.Create(CultureInfo.InvariantCulture, $"first {layers} layer{(layers == 1 ? "" : "s")}");
        }

        if (plan.Bridge is { } bridge && plan.Equals(LayerPlan.BridgedExit(layerCount, bridge.Layer + 1)))
        {
            return string.Create(CultureInfo.InvariantCulture, $"first {bridge.Layer + 1} layer{(bridge.Layer == 0 ? "" : "s")} and a bridge");
        }

        HashSet<Block> runs = [.. plan.Blocks];
        if (!plan.Equals(LayerPlan.Of(layerCount, LayerPlan.Full(layerCount).Blocks.Where(runs.Contains))))
        {
            return $"runs {plan}";
        }

        return $"without{Left("A", BlockKind.Attention)}{Left("M", BlockKind.Mlp)}";

        string Left(string name, BlockKind kind)
        {
            int[] left = [.. Enumerable.Range(0, layerCount).Where(layer => !runs.Contains(new Block(kind, layer)))];
            return left.Length == 0 ? "" : $" {name} {Ranges(left)}";
        }
    }

    private static string Ranges(int[] numbers)
    {
        List<string> ranges = [];
        for (int first = 0; first < numbers.Length;)
        {
            int last = first;
            while (last + 1 < numbers.Length && numbers[last + 1] == numbers[last] + 1)
            {
                last++;
            }

            ranges.Add(string.Create(CultureInfo.InvariantCulture, $"{numbers[first]}{(first == last ? "" : "-")}{(first == last ? null : numbers[last])}"));
            first = last + 1;
        }

        return string.Join(',', ranges);
    }
}
