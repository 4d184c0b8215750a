using SpecDecode.Descriptions;

namespace SpecDecode.Kernels.Attention;

/// <summary>What attention of a layer is, besides its rows, keys and values.</summary>
internal unsafe struct AttentionShape
{
    /// <summary>Query heads Hq, a multiple of the key/value heads.</summary>
    public int QueryHeads;

    /// <summary>Key/value heads Hkv.</summary>
    public int KeyValueHeads;

    /// <summary>Channels D of a head, a multiple of 16.</summary>
    public int HeadSize;

    /// <summary>Factor on q·k before the softmax.</summary>
    public float Scale;

    /// <summary>How many positions a row sees, its own included; <see cref="int.MaxValue"/> for all.</summary>
    public int Window;

    /// <summary>Bound c of the scaled scores s, which become c · tanh(s / c); 0 for none.</summary>
    public float SoftCap;

    /// <summary>A score of each query head that takes part in its softmax and has no value (attention sinks, 2309.17453, as gpt-oss learns them), <c>[Hq]</c>; null for none.</summary>
    public float* Sinks;

    /// <summary>Query heads that share a key/value head.</summary>
    public readonly int Group => QueryHeads / KeyValueHeads;

    /// <summary>Width of a packed row: (Hq + 2 Hkv) · D.</summary>
    public readonly nint PackedWidth => (nint)(QueryHeads + 2 * KeyValueHeads) * HeadSize;

    /// <summary>Width of a row of the result: Hq · D.</summary>
    public readonly nint OutputWidth => (nint)QueryHeads * HeadSize;

    /// <summary>That of a model's layer.</summary>
    public static AttentionShape Of(AttendDescription attend) => new()
    {
        QueryHeads = attend.QueryHeads,
        KeyValueHeads = attend.KeyValueHeads,
        HeadSize = attend.HeadSize,
        Scale = attend.Scale,
        Window = attend.Window ?? int.MaxValue,
        SoftCap = attend.SoftCap ?? 0,
    };
}
