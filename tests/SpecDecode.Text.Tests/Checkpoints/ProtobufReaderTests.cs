using SpecDecode.Checkpoints;

namespace SpecDecode.Tests.Checkpoints;

public class ProtobufReaderTests
{
    [Fact]
    public void Fields_come_in_the_order_in_which_they_stand()
    {
        // 1: varint 150, 2: bytes "ab", 3: four bytes, 1: varint 0, 4: eight bytes.
        byte[] file = [0x08, 0x96, 0x01, 0x12, 0x02, 0x61, 0x62, 0x1D, 0x00, 0x00, 0x80, 0x3F, 0x08, 0x00, 0x21, 1, 2, 3, 4, 5, 6, 7, 8];
        var fields = new ProtobufReader(file);

        Assert.True(fields.TryRead(out var first));
        Assert.Equal((1, ProtobufWireType.Varint, 150, true), (first.Number, first.Type, first.Integer, first.Flag));
        Assert.True(fields.TryRead(out var second));
        Assert.Equal((2, ProtobufWireType.Bytes, "ab"), (second.Number, second.Type, second.Text()));
        Assert.True(fields.TryRead(out var third));
        Assert.Equal((3, ProtobufWireType.Fixed32, 1f), (third.Number, third.Type, third.Float));
        Assert.True(fields.TryRead(out var fourth));
        Assert.Equal((1, ProtobufWireType.Varint, 0, false), (fourth.Number, fourth.Type, fourth.Integer, fourth.Flag));
        Assert.True(fields.TryRead(out var fifth));
        Assert.Equal((4, ProtobufWireType.Fixed64), (fifth.Number, fifth.Type));
        Assert.False(fields.TryRead(out _));
        Assert.False(fields.TryRead(out _));
    }

    [Theory]
    [InlineData("0801", 1)]
    [InlineData("08FFFFFFFFFFFFFFFFFF01", -1)]
    [InlineData("088180808000", 1)]
    [InlineData("0881808080808080808000", 1)]
    [InlineData("08FFFFFFFF0F", -1)]
    [InlineData("088080808008", int.MinValue)]
    [InlineData("08818080808080808080FE", null)]
    [InlineData("0881808080808080808080", null)]
    public void A_number_has_up_to_ten_bytes_and_may_be_longer_than_it_need_be(string hex, int? expected)
    {
        if (expected is { } value)
            Assert.Equal(value, First(hex).Integer);
        else
            Assert.Contains("the number at byte 1 has more than 10 bytes", Damage(hex), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("80", "it ends within the number at byte 0")]
    [InlineData("08", "it ends within the number at byte 1")]
    [InlineData("0880", "it ends within the number at byte 1")]
    [InlineData("0A80", "it ends within the number at byte 1")]
    [InlineData("0D000000", "the value at byte 1 would end beyond byte 4, where what holds it ends")]
    [InlineData("0900000000000000", "the value at byte 1 would end beyond byte 8, where what holds it ends")]
    [InlineData("0A0361", "the value at byte 1 would end beyond byte 3, where what holds it ends")]
    [InlineData("0AFFFFFFFF07", "the value at byte 1 would end beyond byte 6, where what holds it ends")]
    [InlineData("0AFFFFFFFF0F", "the value at byte 1 would end beyond byte 6, where what holds it ends")]
    [InlineData("0AFFFFFFFFFFFFFFFFFF01", "the value at byte 1 would end beyond byte 11, where what holds it ends")]
    [InlineData("08010000", "the field at byte 2 has the number 0")]
    [InlineData("08010E", "the field at byte 2 is of the wire type 6, which does not exist")]
    [InlineData("0F", "the field at byte 0 is of the wire type 7, which does not exist")]
    [InlineData("08010C", "a group ends at byte 2 that did not begin")]
    [InlineData("0B0801", "it ends within the group at byte 0")]
    [InlineData("0B080114", "the group 1 that begins at byte 0 ends as the group 2 at byte 3")]
    [InlineData("0B13140B0C", "it ends within the group at byte 0")]
    [InlineData("0B0A05610C", "the value at byte 2 would end beyond byte 5, where what holds it ends")]
    public void Bytes_that_are_no_message_are_refused_with_what_is_wrong_and_where(string hex, string said) => Assert.Equal(said, Damage(hex));

    [Fact]
    public void A_message_within_does_not_reach_beyond_what_holds_it()
    {
        // 1: { 2: five bytes }, of which the outer message holds two; behind it there are enough.
        const string Hex = "0A0412056162106316641061";
        var fields = First(Hex).Message();
        try
        {
            fields.TryRead(out _);
            Assert.Fail("It was read.");
        }
        catch (InvalidDataException e)
        {
            Assert.Equal("the value at byte 3 would end beyond byte 6, where what holds it ends", e.Message);
        }
    }

    [Fact]
    public void Groups_are_passed_over_with_what_is_in_them()
    {
        // Group 1 holds a field 2 of each kind and a group 3; behind it stands a field 2.
        Assert.Equal((2, 7), Number("0B10011501020304110102030405060708120361620C1B1C0C1007"));

        static (int, int) Number(string hex)
        {
            var field = First(hex);
            return (field.Number, field.Integer);
        }
    }

    [Fact]
    public void Messages_and_groups_are_nested_a_hundred_deep_and_no_deeper()
    {
        Assert.Null(DamageOf(Groups(100)));
        Assert.Equal("at byte 100 messages are nested more than 100 deep", DamageOf(Groups(101)));
        Assert.Equal("at byte 100 messages are nested more than 100 deep", DamageOf([.. Enumerable.Repeat((byte)0x0B, 10_000_000)]));

        byte[] file = [];
        for (int i = 0; i < 101; i++)
            file = [0x0A, .. Varint(file.Length), .. file];
        Assert.Equal(100, Depth(new ProtobufReader(file)));

        static byte[] Groups(int depth) => [.. Enumerable.Repeat((byte)0x0B, depth), .. Enumerable.Repeat((byte)0x0C, depth)];

        static byte[] Varint(int value) => value < 0x80 ? [(byte)value] : [(byte)(value | 0x80), (byte)(value >> 7)];

        static int Depth(ProtobufReader fields)
        {
            if (!fields.TryRead(out var field))
                return 0;
            try
            {
                return 1 + Depth(field.Message());
            }
            catch (InvalidDataException e) when (e.Message.Contains("nested more than 100 deep", StringComparison.Ordinal))
            {
                return 0;
            }
        }
    }

    [Theory]
    [InlineData("0A01FF")]
    [InlineData("0A02C3A9", "é")]
    [InlineData("0A02E282")]
    [InlineData("0A03EDA080")]
    [InlineData("0A02C080")]
    [InlineData("0A04F09F9A80", "🚀")]
    [InlineData("0A04F4908080")]
    [InlineData("0A0100", "\0")]
    [InlineData("0A00", "")]
    public void A_text_is_valid_utf_8_or_refused(string hex, string? expected = null)
    {
        try
        {
            Assert.Equal(expected, First(hex).Text());
        }
        catch (InvalidDataException e)
        {
            Assert.Null(expected);
            Assert.Equal("the text at byte 2 is not valid UTF-8", e.Message);
        }
    }

    [Fact]
    public void A_length_that_is_not_there_costs_no_memory()
    {
        byte[] file = Convert.FromHexString("0AFFFFFFFF07");
        DamageOf(file);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.NotNull(DamageOf(file));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    private static ProtobufField First(string hex)
    {
        var fields = new ProtobufReader(Convert.FromHexString(hex));
        return fields.TryRead(out var field) ? field : throw new ArgumentException("It has no field.", nameof(hex));
    }

    private static string Damage(string hex) => DamageOf(Convert.FromHexString(hex)) ?? "nothing";

    private static string? DamageOf(byte[] file)
    {
        try
        {
            var fields = new ProtobufReader(file);
            while (fields.TryRead(out _))
            {
            }
            return null;
        }
        catch (InvalidDataException e)
        {
            return e.Message;
        }
    }
}
