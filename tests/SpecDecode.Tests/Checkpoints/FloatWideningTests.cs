using System.Runtime.InteropServices;
using SpecDecode.Checkpoints;

namespace SpecDecode.Tests.Checkpoints;

public sealed class FloatWideningTests
{
    private static readonly ushort[] EveryPattern = [.. Enumerable.Range(0, 65_536).Select(static bits => (ushort)bits)];

    [Fact]
    public void Every_bfloat16_widens_to_the_single_whose_upper_half_it_is()
    {
        var widened = new float[EveryPattern.Length];
        FloatWidening.Widen(TensorElementType.BFloat16, MemoryMarshal.AsBytes<ushort>(EveryPattern), widened);

        for (int bits = 0; bits < widened.Length; bits++)
            Assert.Equal((uint)bits << 16, BitConverter.SingleToUInt32Bits(widened[bits]));
    }

    [Fact]
    public void Every_half_widens_to_the_single_of_the_same_value()
    {
        var widened = new float[EveryPattern.Length];
        FloatWidening.Widen(TensorElementType.Float16, MemoryMarshal.AsBytes<ushort>(EveryPattern), widened);

        for (int bits = 0; bits < widened.Length; bits++)
        {
            float expected = ValueOfHalf(bits);
            if (float.IsNaN(expected))
                Assert.True(float.IsNaN(widened[bits]), $"0x{bits:x4} is NaN");
            else
                Assert.Equal(BitConverter.SingleToUInt32Bits(expected), BitConverter.SingleToUInt32Bits(widened[bits]));
        }
    }

    [Fact]
    public void Singles_keep_every_bit()
    {
        uint[] patterns = [0, 0x8000_0000, 1, 0x007F_FFFF, 0x7F80_0000, 0xFF80_0000, 0x7FC0_0001, 0x7F80_0001, 0xFFFF_FFFF, 0x3F80_0000];
        var widened = new float[patterns.Length];
        FloatWidening.Widen(TensorElementType.Float32, MemoryMarshal.AsBytes<uint>(patterns), widened);

        Assert.Equal(patterns, widened.Select(BitConverter.SingleToUInt32Bits));
    }

    [Theory]
    [InlineData(TensorElementType.BFloat16)]
    [InlineData(TensorElementType.Float16)]
    [InlineData(TensorElementType.Float32)]
    public void Any_length_at_any_alignment_widens_all_and_only_its_elements(object type)
    {
        var elementType = (TensorElementType)type;
        int size = elementType == TensorElementType.Float32 ? 4 : 2;
        var stored = new byte[400];
        new Random(5).NextBytes(stored);
        for (int shift = 0; shift < 4; shift++)
        {
            for (int length = 0; length <= 80; length++)
            {
                var bytes = stored.AsSpan(shift, length * size);
                var destination = Enumerable.Repeat(123f, length + 1).ToArray();
                FloatWidening.Widen(elementType, bytes, destination.AsSpan(0, length));
                for (int i = 0; i < length; i++)
                    Assert.Equal(One(elementType, bytes[(i * size)..]), destination[i]);
                Assert.Equal(123f, destination[length]);
            }
        }
    }

    [Fact]
    public void Other_types_and_lengths_that_do_not_agree_are_refused()
    {
        Assert.Throws<ArgumentException>(() => FloatWidening.Widen(TensorElementType.Int8, new byte[4], new float[4]));
        Assert.Throws<ArgumentException>(() => FloatWidening.Widen(TensorElementType.BFloat16, new byte[4], new float[4]));
        Assert.Throws<ArgumentException>(() => FloatWidening.Widen(TensorElementType.Float32, new byte[4], []));
    }

    private static float One(TensorElementType type, ReadOnlySpan<byte> stored) => type switch
    {
        TensorElementType.Float32 => MemoryMarshal.Read<float>(stored),
        TensorElementType.Float16 => ValueOfHalf(MemoryMarshal.Read<ushort>(stored)),
        _ => BitConverter.UInt32BitsToSingle((uint)MemoryMarshal.Read<ushort>(stored) << 16),
    };

    // By the definition: sign, 5 bits of exponent with bias 15, 10 bits of fraction.
    private static float ValueOfHalf(int bits)
    {
        double sign = (bits & 0x8000) == 0 ? 1 : -1;
        int exponent = (bits >> 10) & 31;
        int fraction = bits & 0x3FF;
        return (float)(exponent switch
        {
            31 => fraction == 0 ? sign * double.PositiveInfinity : double.NaN,
            0 => sign * fraction * Math.Pow(2, -24),
            _ => sign * (1024 + fraction) * Math.Pow(2, exponent - 25),
        });
    }
}
