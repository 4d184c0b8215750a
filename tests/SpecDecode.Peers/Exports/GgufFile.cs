using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using SpecDecode.Kernels;

namespace SpecDecode.Peers.Exports;

/// <summary>
/// Writes a GGUF file, version 3, which is llama.cpp's format: keys with values, then names and shapes of tensors, then their data, each at a
/// multiple of 32 bytes. Tensors are read when it is their turn to be written.
/// </summary>
internal sealed class GgufFile
{
    private const uint Version = 3;
    private const int Alignment = 32;

    private readonly List<(string Key, GgufValueType Type, byte[] Value)> _values = [];
    private readonly List<Tensor> _tensors = [];

    /// <summary>Adds a text.</summary>
    public void Add(string key, string value) => _values.Add((key, GgufValueType.String, Text(value)));

    /// <summary>Adds a whole number.</summary>
    public void Add(string key, int value) => _values.Add((key, GgufValueType.UInt32, Bytes(stream => Write(stream, (uint)value))));

    /// <summary>Adds a float.</summary>
    public void Add(string key, float value) => _values.Add((key, GgufValueType.Float32, Bytes(stream => Write(stream, BitConverter.SingleToUInt32Bits(value)))));

    /// <summary>Adds a tensor.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">How its weights are stored; rows of rounded ones are multiples of 32.</param>
    /// <param name="shape">Its dimensions, outermost first.</param>
    /// <param name="read">Reads its weights.</param>
    public void Add(string name, GgufTensorType type, long[] shape, Func<float[]> read) => _tensors.Add(new Tensor(name, type, shape, read));

    /// <summary>Writes the file.</summary>
    public void Write(string path)
    {
        using FileStream stream = File.Create(path);
        stream.Write("GGUF"u8);
        Write(stream, Version);
        Write(stream, (ulong)_tensors.Count);
        Write(stream, (ulong)_values.Count);
        foreach ((string key, GgufValueType type, byte[] value) in _values)
        {
            stream.Write(Text(key));
            Write(stream, (uint)type);
            stream.Write(value);
        }

        long offset = 0;
        foreach (Tensor tensor in _tensors)
        {
            stream.Write(Text(tensor.Name));
            Write(stream, (uint)tensor.Shape.Length);
            foreach (long dimension in tensor.Shape.Reverse())
            {
                Write(stream, (ulong)dimension);
            }

            Write(stream, (uint)tensor.Type);
            Write(stream, (ulong)offset);
            offset = Aligned(offset + tensor.Bytes);
        }

        foreach (Tensor tensor in _tensors)
        {
            stream.Write(new byte[Aligned(stream.Position) - stream.Position]);
            WriteData(stream, tensor);
        }

        stream.Write(new byte[Aligned(stream.Position) - stream.Position]);
    }

    private static void WriteData(FileStream stream, Tensor tensor)
    {
        float[] weights = tensor.Read();
        if (tensor.Type == GgufTensorType.Float32)
        {
            stream.Write(MemoryMarshal.AsBytes(weights.AsSpan()));
            return;
        }

        byte[] bytes = new byte[tensor.Bytes];
        if (tensor.Type is GgufTensorType.Float16 or GgufTensorType.BFloat16)
        {
            PanelPacker.Narrow(tensor.Type == GgufTensorType.Float16 ? Precision.Fp16 : Precision.Bf16, weights, MemoryMarshal.Cast<byte, ushort>(bytes.AsSpan()));
            stream.Write(bytes);
            return;
        }

        Span<sbyte> steps = stackalloc sbyte[SymmetricBlocks.Size];
        int blockBytes = tensor.BlockBytes;
        Precision precision = tensor.Type == GgufTensorType.Q8 ? Precision.Int8 : Precision.Int4;
        for (int block = 0; block * SymmetricBlocks.Size < weights.Length; block++)
        {
            float scale = SymmetricBlocks.Round(weights.AsSpan(block * SymmetricBlocks.Size, SymmetricBlocks.Size), precision, steps);
            Span<byte> stored = bytes.AsSpan(block * blockBytes, blockBytes);
            BinaryPrimitives.WriteHalfLittleEndian(stored, (Half)scale);
            Pack(steps, stored[2..]);
        }

        stream.Write(bytes);
    }

    // Eight bits as they are; of four, weight i lies in the lower half of byte i and weight i + 16 in the upper one, both from 0 to 15.
    private static void Pack(ReadOnlySpan<sbyte> steps, Span<byte> stored)
    {
        if (stored.Length == steps.Length)
        {
            MemoryMarshal.AsBytes(steps).CopyTo(stored);
            return;
        }

        for (int i = 0; i < stored.Length; i++)
        {
            stored[i] = (byte)((steps[i] + 8) | (steps[i + stored.Length] + 8) << 4);
        }
    }

    private static long Aligned(long position) => (position + Alignment - 1) / Alignment * Alignment;

    private static byte[] Text(string value) => Bytes(stream =>
    {
        byte[] text = Encoding.UTF8.GetBytes(value);
        Write(stream, (ulong)text.Length);
        stream.Write(text);
    });

    private static byte[] Bytes(Action<Stream> write)
    {
        using MemoryStream stream = new();
        write(stream);
        return stream.ToArray();
    }

    private static void Write(Stream stream, uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        stream.Write(bytes);
    }

    private static void Write(Stream stream, ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        stream.Write(bytes);
    }

    private sealed record Tensor(string Name, GgufTensorType Type, long[] Shape, Func<float[]> Read)
    {
        public int BlockBytes => Type switch
        {
            GgufTensorType.Float16 or GgufTensorType.BFloat16 => sizeof(ushort) * SymmetricBlocks.Size,
            GgufTensorType.Q8 => sizeof(ushort) + SymmetricBlocks.Size,
            GgufTensorType.Q4 => sizeof(ushort) + SymmetricBlocks.Size / 2,
            _ => sizeof(float) * SymmetricBlocks.Size,
        };

        public long Bytes
        {
            get
            {
                long elements = Shape.Aggregate(1L, (product, dimension) => product * dimension);
                return Type == GgufTensorType.Float32 ? elements * sizeof(float) : elements / SymmetricBlocks.Size * BlockBytes;
            }
        }
    }
}

/// <summary>Types of values, as the format numbers them.</summary>
internal enum GgufValueType
{
    /// <summary>A whole number.</summary>
    UInt32 = 4,

    /// <summary>A float.</summary>
    Float32 = 6,

    /// <summary>A text.</summary>
    String = 8,
}

/// <summary>Types of tensors, as the format numbers them.</summary>
internal enum GgufTensorType
{
    /// <summary>F32.</summary>
    Float32 = 0,

    /// <summary>F16.</summary>
    Float16 = 1,

    /// <summary>Q4_0: blocks of 32 weights, a 16-bit float as their scale, then 4 bits each.</summary>
    Q4 = 2,

    /// <summary>Q8_0: likewise, then 8 bits each.</summary>
    Q8 = 8,

    /// <summary>BF16.</summary>
    BFloat16 = 30,
}
