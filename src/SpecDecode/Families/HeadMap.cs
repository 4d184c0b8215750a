using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>From the heads as a checkpoint stores them to the heads as stages see them, as row (or column) maps.</summary>
/// <param name="Shape">The checkpoint's heads.</param>
/// <param name="Layout">Where their channels go.</param>
internal sealed record HeadMap(AttentionShape Shape, HeadLayout Layout)
{
    /// <summary>The heads of a layer with this rotary embedding, or with none.</summary>
    public static HeadMap Of(AttentionShape shape, RotaryDescription? rotary) => new(shape, shape.Layout(rotary));

    /// <summary>Heads that have a matrix or vector of their own.</summary>
    /// <param name="channels">The layout's rotary or value channels.</param>
    /// <param name="heads">How many heads.</param>
    /// <returns>For each slot the source row or <see cref="HeadLayout.Padding"/>; null where that is the identity.</returns>
    public int[]? Apart(int[] channels, int heads) => Layout.ForHeads(channels, heads);

    /// <summary>Queries, keys and values from one matrix.</summary>
    /// <param name="headByHead">
    /// Whether its rows are q, k, v of the first head, then of the next; else all queries, all keys, all values. Then there are as
    /// many query as key/value heads.
    /// </param>
    /// <returns>For each slot of all queries, keys and values the source row or <see cref="HeadLayout.Padding"/>; null for the identity.</returns>
    public int[]? Fused(bool headByHead)
    {
        int queries = Shape.QueryHeads;
        int keyValues = Shape.KeyValueHeads;
        int[] map = new int[checked((queries + 2 * keyValues) * Layout.Size)];
        bool identity = true;
        for (int i = 0; i < map.Length; i++)
        {
            int head = i / Layout.Size;
            int[] channels = head < queries + keyValues ? Layout.RotaryChannels : Layout.ValueChannels;
            int channel = channels[i % Layout.Size];
            int sourceHead = headByHead ? 3 * (head % queries) + head / queries : head;
            map[i] = channel == HeadLayout.Padding ? HeadLayout.Padding : sourceHead * Shape.HeadSize + channel;
            identity &= map[i] == i;
        }

        return identity && Layout.Size == Shape.HeadSize ? null : map;
    }
}
