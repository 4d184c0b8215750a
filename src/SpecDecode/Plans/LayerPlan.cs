using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace SpecDecode.Plans;

/// <summary>
/// The blocks that a pass runs, in order; what is not in it is not called. The embedding before and the final norm and
/// head after are part of every plan. Immutable, compared by its blocks, and safe to share.
/// </summary>
public sealed class LayerPlan : IEquatable<LayerPlan>
{
    private LayerPlan(ImmutableArray<Block> blocks)
    {
        Blocks = blocks;
        ExactDepth = CountExactBlocks(blocks);
    }

    /// <summary>The blocks in the order in which they run.</summary>
    public ImmutableArray<Block> Blocks { get; }

    /// <summary>
    /// How many blocks at the beginning compute what the full plan computes, and leave what it leaves in the cache: those
    /// that the two share from the start, ending before the first attention whose layer's attention runs again later in this
    /// plan (the second run would overwrite its exact keys and values). A row that went through them as a draft needs only
    /// the rest of the full plan to be verified.
    /// </summary>
    public int ExactDepth { get; }

    /// <summary>The blocks after <see cref="ExactDepth"/>, whose output is an approximation; empty for early exit.</summary>
    public ReadOnlySpan<Block> Tail => Blocks.AsSpan()[ExactDepth..];

    /// <summary>The bridge that the plan ends with; null where it has none.</summary>
    public Block? Bridge => !Blocks.IsEmpty && Blocks[^1].Kind == BlockKind.Bridge ? Blocks[^1] : null;

    /// <summary>Any list of blocks, repeated or in another order.</summary>
    /// <param name="layerCount">Number of layers of the model, at least 1.</param>
    /// <param name="blocks">The blocks in the order in which they run; may be empty. A bridge leads to the head, so it is the last one.</param>
    /// <exception cref="ArgumentOutOfRangeException">A block that the model does not have, or one behind a bridge.</exception>
    public static LayerPlan Of(int layerCount, IEnumerable<Block> blocks)
    {
        ArgumentNullException.ThrowIfNull(blocks);
        ArgumentOutOfRangeException.ThrowIfLessThan(layerCount, 1);
        ImmutableArray<Block> list = [.. blocks];
        foreach (Block block in list)
        {
            if (block.Layer < 0 || block.Layer >= layerCount || !Enum.IsDefined(block.Kind))
            {
                throw new ArgumentOutOfRangeException(
                    nameof(blocks), block, $"A block is the attention, the MLP or the bridge of a layer between 0 and {layerCount - 1}, the last of the model.");
            }
        }

        if (!HasBridgeLast(list))
        {
            throw new ArgumentOutOfRangeException(nameof(blocks), string.Join(' ', list), "A bridge leads to the head: it is the last block of a plan, and a plan has one at most.");
        }

        return new LayerPlan(list);
    }

    /// <summary>The whole model: A0 M0 A1 M1 and so on.</summary>
    /// <param name="layerCount">Number of layers, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">No layers.</exception>
    public static LayerPlan Full(int layerCount) => EarlyExit(layerCount, layerCount);

    /// <summary>Early exit (LayerSkip, 2404.16710): layers 0 to <paramref name="exitLayer"/> − 1, then norm and head.</summary>
    /// <param name="layerCount">Number of layers of the model, at least 1.</param>
    /// <param name="exitLayer">How many layers run: 1 to <paramref name="layerCount"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The exit lies outside the model.</exception>
    public static LayerPlan EarlyExit(int layerCount, int exitLayer)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(layerCount, 1);
        if (exitLayer < 1 || exitLayer > layerCount)
        {
            throw new ArgumentOutOfRangeException(
                nameof(exitLayer), exitLayer, $"The exit layer must lie between 1 and {layerCount}, the number of layers of the model.");
        }

        Block[] blocks = new Block[2 * exitLayer];
        for (int layer = 0; layer < exitLayer; layer++)
        {
            blocks[2 * layer] = new Block(BlockKind.Attention, layer);
            blocks[2 * layer + 1] = new Block(BlockKind.Mlp, layer);
        }

        return new LayerPlan(ImmutableCollectionsMarshal.AsImmutableArray(blocks));
    }

    /// <summary>Early exit by way of a bridge (layer approximation): layers 0 to <paramref name="exitLayer"/> − 1, the bridge behind them, then norm and head.</summary>
    /// <param name="layerCount">Number of layers of the model, at least 1.</param>
    /// <param name="exitLayer">How many layers run: 1 to <paramref name="layerCount"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The exit lies outside the model.</exception>
    public static LayerPlan BridgedExit(int layerCount, int exitLayer) =>
        new(EarlyExit(layerCount, exitLayer).Blocks.Add(new Block(BlockKind.Bridge, exitLayer - 1)));

    /// <summary>All blocks but those named (Draft &amp; Verify, 2309.08168; SWIFT, 2410.06916); a skipped block adds nothing.</summary>
    /// <param name="layerCount">Number of layers of the model, at least 1.</param>
    /// <param name="attention">Layers whose attention is skipped, from 0; repeats do no harm.</param>
    /// <param name="mlp">Layers whose MLP is skipped, from 0; repeats do no harm.</param>
    /// <exception cref="ArgumentOutOfRangeException">A layer that the model does not have.</exception>
    public static LayerPlan LayerSkip(int layerCount, IEnumerable<int> attention, IEnumerable<int> mlp)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(layerCount, 1);
        HashSet<int> withoutAttention = Checked(attention, nameof(attention));
        HashSet<int> withoutMlp = Checked(mlp, nameof(mlp));
        ImmutableArray<Block>.Builder blocks = ImmutableArray.CreateBuilder<Block>(2 * layerCount);
        foreach (Block block in Full(layerCount).Blocks)
        {
            if (!(block.Kind == BlockKind.Attention ? withoutAttention : withoutMlp).Contains(block.Layer))
            {
                blocks.Add(block);
            }
        }

        return new LayerPlan(blocks.ToImmutable());

        HashSet<int> Checked(IEnumerable<int> layers, string name)
        {
            ArgumentNullException.ThrowIfNull(layers, name);
            HashSet<int> skipped = [];
            foreach (int layer in layers)
            {
                skipped.Add(layer >= 0 && layer < layerCount ? layer
                    : throw new ArgumentOutOfRangeException(name, layer, $"Layers to skip must lie between 0 and {layerCount - 1}, the last layer of the model."));
            }

            return skipped;
        }
    }

    /// <inheritdoc/>
    public bool Equals(LayerPlan? other) => other is not null && Blocks.AsSpan().SequenceEqual(other.Blocks.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as LayerPlan);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (Block block in Blocks)
        {
            hash.Add(block);
        }

        return hash.ToHashCode();
    }

    /// <summary>The blocks, separated by spaces.</summary>
    public override string ToString() => string.Join(' ', Blocks);

    /// <summary>Whether no block stands behind a bridge.</summary>
    internal static bool HasBridgeLast(IReadOnlyList<Block> blocks)
    {
        for (int i = 0; i < blocks.Count - 1; i++)
        {
            if (blocks[i].Kind == BlockKind.Bridge)
            {
                return false;
            }
        }

        return true;
    }

    private static int CountExactBlocks(ImmutableArray<Block> blocks)
    {
        int depth = 0;
        while (depth < blocks.Length && blocks[depth] == FullPlanBlock(depth) && !AttendsAgain(blocks, depth))
        {
            depth++;
        }

        return depth;
    }

    // The full plan is A0 M0 A1 M1 and so on, whatever the number of layers.
    private static Block FullPlanBlock(int depth) => new(depth % 2 == 0 ? BlockKind.Attention : BlockKind.Mlp, depth / 2);

    private static bool AttendsAgain(ImmutableArray<Block> blocks, int index) =>
        blocks[index].Kind == BlockKind.Attention && blocks.AsSpan()[(index + 1)..].Contains(blocks[index]);
}
