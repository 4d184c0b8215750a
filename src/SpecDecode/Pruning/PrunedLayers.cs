using System.Globalization;
using SpecDecode.Drafting.Profiles;
using SpecDecode.Plans;

namespace SpecDecode.Pruning;

/// <summary>Which layers of a model stay, checked: some, in their order, and not all.</summary>
internal static class PrunedLayers
{
    /// <summary>The layers that stay where some are dropped.</summary>
    /// <param name="dropped">Numbers of layers, from 0; repeats do no harm.</param>
    /// <param name="count">Layers of the model.</param>
    /// <exception cref="SpecDecodeException">None is dropped, none is left, or one is not there.</exception>
    public static int[] Kept(IReadOnlyList<int> dropped, int count)
    {
        if (dropped.Count == 0)
        {
            throw new SpecDecodeException("No layer is dropped: name one at least, or use the checkpoint as it is.");
        }

        foreach (int layer in dropped)
        {
            if (layer < 0 || layer >= count)
            {
                throw new SpecDecodeException($"Layer {layer} cannot be dropped: the model's layers go from 0 to {count - 1}.");
            }
        }

        int[] kept = [.. Enumerable.Range(0, count).Except(dropped)];
        return kept.Length > 0 ? kept : throw new SpecDecodeException($"All {count} layers would be dropped, and a model without layers cannot be loaded: keep one at least.");
    }

    /// <summary>How many layers a share of them is, by rounding, and one at least.</summary>
    /// <param name="ratio">The share, above 0 and below 1.</param>
    /// <param name="count">Layers of the model.</param>
    /// <exception cref="ArgumentOutOfRangeException">The share is out of range.</exception>
    /// <exception cref="SpecDecodeException">It is all of them.</exception>
    public static int Count(double ratio, int count)
    {
        if (!(ratio > 0 && ratio < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(ratio), ratio, "Give a share of the layers above 0 and below 1.");
        }

        int kept = Math.Max(1, (int)Math.Round(ratio * count, MidpointRounding.AwayFromZero));
        return kept < count ? kept : throw new SpecDecodeException(string.Create(
            CultureInfo.InvariantCulture, $"A share of {ratio} of {count} layers is all of them, so nothing would be dropped: give at most {(count - 1) / (double)count:0.###}."));
    }

    /// <summary>The layers that a profile's best plan leaves out.</summary>
    /// <param name="profile">The profile.</param>
    /// <exception cref="SpecDecodeException">The plan is not some of the model's layers as they are: then no checkpoint can say it.</exception>
    public static int[] DroppedBy(DraftingProfile profile)
    {
        string source = profile.Source ?? "the drafting profile";
        LayerPlan plan = profile.Plans[0].Plan;
        int count = profile.Model.LayerCount;
        if (plan.Bridge is { } bridge)
        {
            throw new SpecDecodeException(
                $"{source}: its best plan ends with the bridge behind layer {bridge.Layer}, which no checkpoint folder can say: name the layers to drop yourself.");
        }

        if (ProfilePlan.Skipped(plan, count) is not var (attention, mlp))
        {
            throw new SpecDecodeException(
                $"{source}: its best plan runs blocks in another order or more than once, which no checkpoint folder can say: name the layers to drop yourself.");
        }

        foreach ((int[] some, int[] others, string left, string kept) in (ReadOnlySpan<(int[], int[], string, string)>)[(attention, mlp, "attention", "MLP"), (mlp, attention, "MLP", "attention")])
        {
            int half = Array.FindIndex(some, layer => !others.Contains(layer));
            if (half >= 0)
            {
                throw new SpecDecodeException(
                    $"{source}: its best plan leaves out the {left} of layer {some[half]} and keeps its {kept}. A checkpoint folder without one of them would not load elsewhere: name whole layers to drop, or keep the plan for drafting.");
            }
        }

        return attention.Length > 0 ? attention : throw new SpecDecodeException($"{source}: its best plan leaves out no layer, so there is nothing to drop: name the layers yourself.");
    }
}
