namespace SpecDecode.Descriptions;

/// <summary>
/// Where a head's channels lie inside the head size that the attention kernel accepts. With rotary embedding the kernel
/// wants a multiple of 16 and pairs channel i with i + D/2, so the first rotated half starts at 0, the second at D/2;
/// channels that are not rotated fill the gaps (where cos = 1 and sin = 0), and what is left is zero. Queries and keys
/// are permuted alike, so every q·k is unchanged. Values are only padded.
/// </summary>
internal sealed class HeadLayout
{
    private const int Multiple = 16;

    /// <summary>Lays out a head.</summary>
    /// <param name="headSize">Channels of a head in the checkpoint.</param>
    /// <param name="rotated">How many of them, from the first, are rotated; even.</param>
    public HeadLayout(int headSize, int rotated)
    {
        SourceSize = headSize;
        Size = checked((headSize + Multiple - 1) / Multiple * Multiple);
        RotaryChannels = new int[Size];
        ValueChannels = new int[Size];
        Array.Fill(RotaryChannels, Padding);
        Array.Fill(ValueChannels, Padding);

        int half = rotated / 2;
        for (int i = 0; i < half; i++)
        {
            RotaryChannels[i] = i;
            RotaryChannels[Size / 2 + i] = half + i;
        }

        int unrotated = rotated;
        for (int slot = 0; slot < Size && unrotated < headSize; slot++)
        {
            if (RotaryChannels[slot] == Padding)
            {
                RotaryChannels[slot] = unrotated++;
            }
        }

        for (int i = 0; i < headSize; i++)
        {
            ValueChannels[i] = i;
        }
    }

    /// <summary>Marks a slot that holds no channel and is zero.</summary>
    public const int Padding = -1;

    /// <summary>Channels of a head in the checkpoint.</summary>
    public int SourceSize { get; }

    /// <summary>Channels of a head in the stages, D.</summary>
    public int Size { get; }

    /// <summary>For each slot of a query or key head the checkpoint's channel, or <see cref="Padding"/>.</summary>
    public int[] RotaryChannels { get; }

    /// <summary>For each slot of a value head the checkpoint's channel, or <see cref="Padding"/>.</summary>
    public int[] ValueChannels { get; }

    /// <summary>The channels of several heads one after the other, as rows (or columns) of the checkpoint's matrix.</summary>
    /// <param name="channels"><see cref="RotaryChannels"/> or <see cref="ValueChannels"/>.</param>
    /// <param name="heads">How many heads.</param>
    /// <returns>For each slot of all heads the source index or <see cref="Padding"/>; null where that is the identity.</returns>
    public int[]? ForHeads(int[] channels, int heads)
    {
        bool identity = Size == SourceSize;
        int[] map = new int[checked(heads * Size)];
        for (int i = 0; i < map.Length; i++)
        {
            int channel = channels[i % Size];
            map[i] = channel == Padding ? Padding : i / Size * SourceSize + channel;
            identity &= map[i] == i;
        }

        return identity ? null : map;
    }
}
