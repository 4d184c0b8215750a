using System.Collections.Immutable;

namespace SpecDecode.Plans;

/// <summary>
/// The blocks that a pass runs, in order; what is not in it is not called. The embedding before and the final norm and
/// head after are part of every plan. Immutable and safe to share.
/// </summary>
public sealed class LayerPlan
{
    private LayerPlan(ImmutableArray<Block> blocks) => Blocks = blocks;

    /// <summary>The blocks in the order in which they run.</summary>
    public ImmutableArray<Block> Blocks { get; }

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

        return new LayerPlan(
            [.. Enumerable.Range(0, exitLayer).SelectMany(layer => (Block[])[new(BlockKind.Attention, layer), new(BlockKind.Mlp, layer)])]);
    }

    /// <summary>All blocks but those named (Draft &amp; Verify, 2309.08168; SWIFT, 2410.06916); a skipped block adds nothing.</summary>
    /// <param name="layerCount">Number of layers of the model, at least 1.</param>
    /// <param name="attention">Layers whose attention is skipped, from 0; repeats do no harm.</param>
    /// <param name="mlp">Layers whose MLP is skipped, from 0; repeats do no harm.</param>
    /// <exception cref="ArgumentOutOfRangeException">A layer that the model does not have.</exception>
    public static LayerPlan Skip(int layerCount, IEnumerable<int> attention, IEnumerable<int> mlp)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(layerCount, 1);
        HashSet<Block> skipped =
        [
            .. Checked(attention, nameof(attention)).Select(layer => new Block(BlockKind.Attention, layer)),
            .. Checked(mlp, nameof(mlp)).Select(layer => new Block(BlockKind.Mlp, layer)),
        ];
        return new LayerPlan([.. Full(layerCount).Blocks.Where(block => !skipped.Contains(block))]);

        IEnumerable<int> Checked(IEnumerable<int> layers, string name) => layers.Select(layer => layer >= 0 && layer < layerCount
            ? layer
            : throw new ArgumentOutOfRangeException(name, layer, $"Layers to skip must lie between 0 and {layerCount - 1}, the last layer of the model."));
    }

    /// <summary>The blocks, separated by spaces.</summary>
    public override string ToString() => string.Join(' ', Blocks);
}
