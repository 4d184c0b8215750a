using SpecDecode.Kernels.Attention;

namespace SpecDecode.Tests.Kernels.Attention;

/// <summary>Attention of a layer, as a test asks for it.</summary>
internal sealed record AttentionCase(int QueryHeads, int KeyValueHeads, int HeadSize)
{
    public KvPrecision Type { get; init; }

    public int? Window { get; init; }

    public float SoftCap { get; init; }

    public bool HasSinks { get; init; }

    public bool Rotates { get; init; } = true;

    public int PackedWidth => (QueryHeads + 2 * KeyValueHeads) * HeadSize;

    public int OutputWidth => QueryHeads * HeadSize;

    public PageLayout Layout => new(Type, KeyValueHeads, HeadSize);

    /// <summary>Kinds of all sizes, with everything that families have.</summary>
    public static IEnumerable<AttentionCase> All =>
    [
        new(9, 3, 64), new(4, 4, 32) { Rotates = false }, new(8, 1, 16), new(6, 2, 80) { Window = 40 }, new(4, 2, 128) { SoftCap = 20, Window = 200 },
        new(2, 1, 256) { SoftCap = 50 }, new(12, 2, 48) { HasSinks = true }, new(5, 1, 112) { HasSinks = true, Window = 17 }, new(3, 3, 16) { Window = 1 },
    ];
}
