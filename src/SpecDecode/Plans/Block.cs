namespace SpecDecode.Plans;

/// <summary>What a block computes.</summary>
public enum BlockKind
{
    /// <summary>The attention block of a layer.</summary>
    Attention,

    /// <summary>The MLP block of a layer.</summary>
    Mlp,

    /// <summary>
    /// A map from the residual behind a layer to the one before the final norm (<see cref="LinearBridge"/>), in place of all layers after it. For
    /// drafts alone: the full model has none.
    /// </summary>
    Bridge,
}

/// <summary>One residual block of the model, or a bridge in place of some: the smallest thing that a plan runs or leaves out.</summary>
public readonly record struct Block
{
    /// <summary>Names a block.</summary>
    /// <param name="kind">Attention, MLP or bridge.</param>
    /// <param name="layer">The layer it belongs to, from 0; of a bridge the one behind which it begins.</param>
    public Block(BlockKind kind, int layer)
    {
        Kind = kind;
        Layer = layer;
    }

    /// <summary>Attention, MLP or bridge.</summary>
    public BlockKind Kind { get; }

    /// <summary>The layer it belongs to, from 0; of a bridge the one behind which it begins.</summary>
    public int Layer { get; }

    /// <summary>The block as plans are written: <c>A3</c> is the attention of layer 3, <c>M3</c> its MLP, <c>B3</c> the bridge behind it.</summary>
    public override string ToString() => (Kind switch { BlockKind.Attention => "A", BlockKind.Mlp => "M", _ => "B" })
        + Layer.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Reads a block as plans are written; null where it is none of a model with so many layers.</summary>
    internal static Block? TryParse(ReadOnlySpan<char> word, int layerCount) =>
        word is ['A' or 'M' or 'B', .. var number]
        && int.TryParse(number, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int layer) && layer < layerCount
            ? new Block(word[0] switch { 'A' => BlockKind.Attention, 'M' => BlockKind.Mlp, _ => BlockKind.Bridge }, layer)
            : null;
}
