namespace SpecDecode.Descriptions;

/// <summary>
/// What attention needs besides its weights. Layers with equal descriptions share one session, which is why this is
/// compared by value.
/// </summary>
/// <param name="QueryHeads">Number of query heads Hq.</param>
/// <param name="KeyValueHeads">Number of key/value heads Hkv; divides Hq.</param>
/// <param name="HeadSize">Size D of a head as the stage sees it, a multiple of 16 (see <see cref="HeadLayout"/>).</param>
/// <param name="Scale">Factor on q·k before the softmax, from the checkpoint's own head size.</param>
/// <param name="Rotary">The rotary embedding that is applied to queries and keys; null for none.</param>
/// <param name="Window">How many positions a row sees, its own included; null for all.</param>
/// <param name="SoftCap">Bound c of the scaled scores s, which become c · tanh(s / c) before the softmax; null for none.</param>
internal sealed record AttendDescription(
    int QueryHeads, int KeyValueHeads, int HeadSize, float Scale, RotaryDescription? Rotary, int? Window = null, float? SoftCap = null)
{
    /// <summary>Width of the packed query, key and value rows: (Hq + 2 Hkv) · D.</summary>
    public int PackedWidth => checked((QueryHeads + 2 * KeyValueHeads) * HeadSize);

    /// <summary>Width of the attention output: Hq · D.</summary>
    public int OutputWidth => checked(QueryHeads * HeadSize);
}
