
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
/// <param name="Kind">Attention or MLP.</param>
/// <param name="Layer">The layer it belongs to, from 0.</param>
public readonly record struct Block(BlockKind Kind, int Layer)
{
    /// <summary>The block as plans are written: <c>A3</c> is the attention of layer 3, <c>M3</c> its MLP.</summary>
    public override string ToString() => (Kind == BlockKind.Attention ? "A" : "M") + Layer.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
