using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace SpecDecode.Plans;

/// <summary>
/// Segments: stretches of blocks that always run together, one directly behind the other, as long as they can be. What runs together is given as runs, lists of
/// blocks between whose first and last nobody takes rows up, puts them down or looks at them; so each run is some segments, whole and one behind the other.
/// </summary>
internal static class Segments
{
    /// <summary>Cuts runs into segments.</summary>
    /// <param name="runs">The runs; empty ones count for nothing.</param>
    /// <returns>The segments in the order in which their blocks first occur; every block that occurs is in exactly one of them.</returns>
    public static ImmutableArray<ImmutableArray<Block>> Cut(IEnumerable<ImmutableArray<Block>> runs)
    {
        List<Block> order = [];

        // Who is directly before and behind a block, everywhere; null once that is not the same everywhere.
        Dictionary<Block, Block?> before = [];
        Dictionary<Block, Block?> behind = [];
        foreach (ImmutableArray<Block> run in runs)
        {
            for (int i = 0; i < run.Length; i++)
            {
                if (!before.ContainsKey(run[i]))
                {
                    order.Add(run[i]);
                }

                Note(before, run[i], i > 0 ? run[i - 1] : null);
                Note(behind, run[i], i < run.Length - 1 ? run[i + 1] : null);
            }
        }

        ImmutableArray<ImmutableArray<Block>>.Builder segments = ImmutableArray.CreateBuilder<ImmutableArray<Block>>();
        foreach (Block first in CollectionsMarshal.AsSpan(order))
        {
            if (before[first] is { } other && behind[other] == first)
            {
                continue;
            }

            ImmutableArray<Block>.Builder segment = ImmutableArray.CreateBuilder<Block>();
            segment.Add(first);
            while (behind[segment[^1]] is { } next && before[next] == segment[^1])
            {
                segment.Add(next);
            }

            segments.Add(segment.ToImmutable());
        }

        return segments.ToImmutable();
    }

    /// <summary>
    /// The runs of plans: the exact part of each and its tail, and the full plan between the depths at which rows may be taken up to be verified.
    /// </summary>
    /// <param name="layerCount">Layers of the model.</param>
    /// <param name="plans">The plans that draft; none gives the full plan alone.</param>
    public static IEnumerable<ImmutableArray<Block>> Runs(int layerCount, IEnumerable<LayerPlan> plans)
    {
        ImmutableArray<Block> full = LayerPlan.Full(layerCount).Blocks;
        SortedSet<int> depths = [0, full.Length];
        foreach (LayerPlan plan in plans)
        {
            depths.Add(plan.ExactDepth);
            yield return plan.Blocks[..plan.ExactDepth];
            yield return [.. plan.Tail];
        }

        int start = 0;
        foreach (int depth in depths)
        {
            yield return full[start..depth];
            start = depth;
        }
    }

    private static void Note(Dictionary<Block, Block?> neighbours, Block block, Block? neighbour)
    {
        ref Block? known = ref CollectionsMarshal.GetValueRefOrAddDefault(neighbours, block, out bool exists);
        known = !exists || known == neighbour ? neighbour : null;
    }
}
