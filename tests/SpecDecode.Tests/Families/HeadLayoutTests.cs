using SpecDecode.Descriptions;

namespace SpecDecode.Tests.Families;

public sealed class HeadLayoutTests
{
    public static TheoryData<int, int> Heads => new()
    {
        { 2, 2 }, { 8, 8 }, { 10, 4 }, { 16, 16 }, { 24, 24 }, { 24, 12 }, { 32, 32 }, { 32, 24 }, { 32, 2 }, { 40, 40 }, { 80, 80 }, { 80, 32 }, { 130, 130 }, { 16, 0 }, { 20, 0 },
    };

    [Theory]
    [MemberData(nameof(Heads))]
    public void Rotated_queries_and_keys_have_the_same_product_in_the_padded_layout(int headSize, int rotated)
    {
        HeadLayout layout = new(headSize, rotated);
        RotaryDescription rotary = RotaryDescription.Default(10000, rotated);
        Random random = new(headSize * 1000 + rotated);
        for (int round = 0; round < 20; round++)
        {
            double[] query = Vector(random, headSize);
            double[] key = Vector(random, headSize);
            int queryPosition = random.Next(1000);
            int keyPosition = random.Next(1000);

            double expected = Dot(InCheckpoint(query, rotary, queryPosition), InCheckpoint(key, rotary, keyPosition));
            double found = Dot(
                InStage(Gather(query, layout.RotaryChannels), rotary, queryPosition), InStage(Gather(key, layout.RotaryChannels), rotary, keyPosition));
            Assert.Equal(expected, found, 1e-9);
        }
    }

    [Theory]
    [MemberData(nameof(Heads))]
    public void Every_channel_has_one_slot_and_the_rest_is_padding(int headSize, int rotated)
    {
        HeadLayout layout = new(headSize, rotated);

        Assert.Equal(headSize, layout.SourceSize);
        Assert.Equal(0, layout.Size % 16);
        Assert.InRange(layout.Size, headSize, headSize + 15);
        foreach (int[] channels in (int[][])[layout.RotaryChannels, layout.ValueChannels])
        {
            Assert.Equal(layout.Size, channels.Length);
            Assert.Equal(Enumerable.Range(0, headSize), channels.Where(channel => channel != HeadLayout.Padding).Order());
        }
    }

    [Theory]
    [MemberData(nameof(Heads))]
    public void Rotated_channels_pair_across_half_the_padded_head(int headSize, int rotated)
    {
        HeadLayout layout = new(headSize, rotated);
        for (int i = 0; i < rotated / 2; i++)
        {
            Assert.Equal(i, layout.RotaryChannels[i]);
            Assert.Equal(rotated / 2 + i, layout.RotaryChannels[layout.Size / 2 + i]);
        }
    }

    [Theory]
    [MemberData(nameof(Heads))]
    public void Values_are_only_padded_behind(int headSize, int rotated)
    {
        HeadLayout layout = new(headSize, rotated);

        Assert.Equal(Enumerable.Range(0, headSize), layout.ValueChannels[..headSize]);
        Assert.All(layout.ValueChannels[headSize..], channel => Assert.Equal(HeadLayout.Padding, channel));
    }

    [Fact]
    public void Heads_follow_each_other_in_both_layouts()
    {
        HeadLayout layout = new(8, 8);
        int[] map = layout.ForHeads(layout.RotaryChannels, 3)!;

        Assert.Equal(48, map.Length);
        for (int slot = 0; slot < map.Length; slot++)
        {
            int channel = layout.RotaryChannels[slot % 16];
            Assert.Equal(channel == HeadLayout.Padding ? HeadLayout.Padding : slot / 16 * 8 + channel, map[slot]);
        }
    }

    [Fact]
    public void A_layout_that_changes_nothing_is_no_map()
    {
        HeadLayout whole = new(32, 32);
        Assert.Null(whole.ForHeads(whole.RotaryChannels, 4));
        Assert.Null(whole.ForHeads(whole.ValueChannels, 4));

        HeadLayout part = new(32, 24);
        Assert.NotNull(part.ForHeads(part.RotaryChannels, 4));
        Assert.Null(part.ForHeads(part.ValueChannels, 4));
    }

    // Hugging Face: channel i turns with channel i + rotated/2; the rest stays.
    private static double[] InCheckpoint(double[] head, RotaryDescription rotary, int position) => Rotate(head, rotary, position, rotary.InverseFrequencies.Length);

    // The attention kernel: slot i turns with slot i + D/2; slots beyond the rotated ones have cosine 1 and sine 0.
    private static double[] InStage(double[] head, RotaryDescription rotary, int position) => Rotate(head, rotary, position, head.Length / 2);

    private static double[] Rotate(double[] head, RotaryDescription rotary, int position, int distance)
    {
        double[] turned = [.. head];
        for (int i = 0; i < rotary.InverseFrequencies.Length; i++)
        {
            (double sine, double cosine) = Math.SinCos(position * rotary.InverseFrequencies[i]);
            turned[i] = head[i] * cosine - head[i + distance] * sine;
            turned[i + distance] = head[i + distance] * cosine + head[i] * sine;
        }

        return turned;
    }

    private static double[] Gather(double[] head, int[] channels) => [.. channels.Select(channel => channel == HeadLayout.Padding ? 0.0 : head[channel])];

    private static double[] Vector(Random random, int size) => [.. Enumerable.Range(0, size).Select(_ => random.NextDouble() * 2 - 1)];

    private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();
}
