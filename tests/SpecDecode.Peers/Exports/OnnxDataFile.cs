using System.Globalization;
using System.Runtime.InteropServices;
using SpecDecode.OnnxRuntime.ModelFormat;

namespace SpecDecode.Peers.Exports;

/// <summary>The file beside an ONNX model that holds its weights, written one after the other.</summary>
internal sealed class OnnxDataFile(string path) : IDisposable
{
    private const int Alignment = 4096;
    private readonly FileStream _stream = File.Create(path);

    /// <summary>Adds floats.</summary>
    public TensorProto Add(string name, float[] values, params ReadOnlySpan<long> dimensions) =>
        Add(name, OnnxType.Float32, MemoryMarshal.AsBytes(values.AsSpan()), dimensions);

    /// <summary>Adds a tensor.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">The elements' type.</param>
    /// <param name="bytes">The elements.</param>
    /// <param name="dimensions">The shape.</param>
    public TensorProto Add(string name, OnnxType type, ReadOnlySpan<byte> bytes, params ReadOnlySpan<long> dimensions)
    {
        long offset = (_stream.Position + Alignment - 1) / Alignment * Alignment;
        _stream.SetLength(offset);
        _stream.Position = offset;
        _stream.Write(bytes);
        return new TensorProto
        {
            Dims = dimensions.ToArray(),
            DataType = (int)type,
            Name = name,
            ExternalData =
            [
                new StringStringEntryProto("location", Path.GetFileName(path)),
                new StringStringEntryProto("offset", offset.ToString(CultureInfo.InvariantCulture)),
                new StringStringEntryProto("length", bytes.Length.ToString(CultureInfo.InvariantCulture)),
            ],
            DataLocation = DataLocation.External,
        };
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();
}

/// <summary>Types of elements, as ONNX numbers them.</summary>
internal enum OnnxType
{
    /// <summary>float32.</summary>
    Float32 = 1,

    /// <summary>uint8.</summary>
    UInt8 = 2,

    /// <summary>int32.</summary>
    Int32 = 6,

    /// <summary>int64.</summary>
    Int64 = 7,
}
