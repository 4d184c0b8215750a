using SpecDecode.Descriptions;

namespace SpecDecode.Tests.Kernels;

/// <summary>A row of a matrix, which is all weights of one output: what is packed, and what its weights then are.</summary>
internal sealed class MatrixRow
{
    private MatrixRow()
    {
    }

    /// <summary>Weights that are floats, each a number of their precision.</summary>
    public float[] Floats { get; private init; } = [];

    /// <summary>Values of quantised weights, packed as the quantiser packs them.</summary>
    public byte[] Values { get; private init; } = [];

    /// <summary>Scales of their blocks, each a bfloat16 number.</summary>
    public float[] Scales { get; private init; } = [];

    /// <summary>Zero points of their blocks, packed likewise.</summary>
    public byte[] ZeroPoints { get; private init; } = [];

    /// <summary>Value minus zero point of each weight.</summary>
    public int[] Steps { get; private init; } = [];

    /// <summary>A row of any content.</summary>
    /// <param name="format">How it is stored.</param>
    /// <param name="inputs">Its width. What a last block has beyond is no zeros, as kernels must not care.</param>
    /// <param name="random">Where it comes from.</param>
    public static MatrixRow Random(TensorFormat format, int inputs, Random random)
    {
        if (!format.IsQuantized)
        {
            return new MatrixRow { Floats = [.. Enumerable.Range(0, inputs).Select(_ => Float(format.Precision, random))] };
        }

        int blocks = (int)format.Blocks(inputs);
        int[] values = new int[blocks * format.BlockSize];
        int[] zeros = new int[blocks];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = random.Next(Lowest(format), 1 << format.Bits);
        }

        for (int block = 0; block < blocks; block++)
        {
            zeros[block] = format.Bits == 8 ? 128 : random.Next(16);
        }

        // A block of the extremes now and then, and one that counts for nothing.
        if (random.Next(8) == 0)
        {
            values.AsSpan(random.Next(blocks) * format.BlockSize, format.BlockSize).Fill(random.Next(2) == 0 ? Lowest(format) : (1 << format.Bits) - 1);
        }

        return new MatrixRow
        {
            Values = format.Bits == 8 ? [.. values.Select(value => (byte)value)] : Pairs(values),
            Scales = [.. zeros.Select(_ => random.Next(30) == 0 ? 0 : Upper(MathF.ScaleB(1 + random.NextSingle(), random.Next(-11, -4))))],
            ZeroPoints = format.Bits == 8 ? [] : Pairs(zeros),
            Steps = [.. values.Select((value, i) => value - zeros[i / format.BlockSize])],
        };
    }

    /// <summary>A quantised row of whole blocks whose weights are all the same.</summary>
    public static MatrixRow Filled(TensorFormat format, int inputs, int value, int zeroPoint) => new()
    {
        Values = format.Bits == 8 ? [.. Enumerable.Repeat((byte)value, inputs)] : Pairs([.. Enumerable.Repeat(value, inputs)]),
        Scales = [.. Enumerable.Repeat(0.5f, inputs / format.BlockSize)],
        ZeroPoints = format.Bits == 8 ? [] : Pairs([.. Enumerable.Repeat(zeroPoint, inputs / format.BlockSize)]),
        Steps = [.. Enumerable.Repeat(value - zeroPoint, inputs)],
    };

    /// <summary>A row of these floats, which their precision holds.</summary>
    public static MatrixRow Of(float[] floats) => new() { Floats = floats };

    /// <summary>What each weight is.</summary>
    public float Weight(TensorFormat format, int input) =>
        format.IsQuantized ? Steps[input] * Scales[input / format.BlockSize] : Floats[input];

    // Of 8 bits 0 is not used.
    private static int Lowest(TensorFormat format) => format.Bits == 8 ? 1 : 0;

    // Two 4-bit numbers in a byte, the first in the lower half.
    private static byte[] Pairs(int[] numbers) =>
        [.. Enumerable.Range(0, (numbers.Length + 1) / 2).Select(i => (byte)(numbers[2 * i] | (2 * i + 1 < numbers.Length ? numbers[2 * i + 1] << 4 : 0)))];

    private static float Float(Precision precision, Random random)
    {
        float normal = (random.NextSingle() + random.NextSingle() + random.NextSingle() - 1.5f) * MathF.ScaleB(1, random.Next(-4, 2));
        float number = random.Next(50) switch
        {
            0 => 0f,
            1 => -0f,
            2 => normal * 1e-39f,
            _ => normal,
        };
        return precision switch
        {
            Precision.Bf16 => Upper(number),
            Precision.Fp16 => (float)(random.Next(10) switch
            {
                // Subnormal, and anything that is finite.
                0 => BitConverter.UInt16BitsToHalf((ushort)(random.Next(0x400) | random.Next(2) << 15)),
                1 => BitConverter.UInt16BitsToHalf((ushort)(random.Next(0x7C00) | random.Next(2) << 15)),
                _ => (Half)number,
            }),
            _ => number,
        };
    }

    private static float Upper(float number) => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(number) & 0xFFFF0000);
}
