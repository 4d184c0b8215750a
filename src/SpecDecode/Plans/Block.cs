namespace SpecDecode.Plans;

/// <summary>What a block computes.</summary>
public enum BlockKind
{
    /// <summary>The attention block of a layer.</summary>
    Attention,

    /// <summary>The MLP block of a layer.</summary>
    Mlp,
}

/// <summary>One residual block of the model, the smallest thing that a plan runs or leaves out.</summary>
public readonly record struct Block
{
    /// <summary>Names a block.</summary>
    /// <param name="kind">Attention or MLP.</param>
    /// <param name="layer">The layer it belongs to, from 0.</param>
    public Block(BlockKind kind, int layer)
    {
        Kind = kind;
        Layer = layer;
    }

    /// <summary>Attention or MLP.</summary>
    public BlockKind Kind { get; }

    /// <summary>The layer it belongs to, from 0.</summary>
    public int Layer { get; }

    /// <summary>The block as plans are written: <c>A3</c> is the attention of layer 3, <c>M3</c> its MLP.</summary>
    public override string ToString() => (Kind == BlockKind.Attention ? "A" : "M") + Layer.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
