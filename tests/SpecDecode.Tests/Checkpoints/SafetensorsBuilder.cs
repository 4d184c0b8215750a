using System.Buffers.Binary;
using System.Text;

namespace SpecDecode.Tests.Checkpoints;

/// <summary>Builds the bytes of safetensors files: honest ones from tensors, lying ones from any header text.</summary>
internal sealed class SafetensorsBuilder
{
    private readonly List<string> _entries = [];
    private readonly List<byte> _data = [];

    public static byte[] Raw(string header, int dataLength) => Raw(Encoding.UTF8.GetBytes(header), new byte[dataLength]);

    public static byte[] Raw(ReadOnlySpan<byte> header, ReadOnlySpan<byte> data)
    {
        var prefix = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)header.Length);
        return [.. prefix, .. header, .. data];
    }

    public static byte[] Claim(ulong headerLength, params ReadOnlySpan<byte> rest)
    {
        var prefix = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, headerLength);
        return [.. prefix, .. rest];
    }

    public SafetensorsBuilder Metadata(string key, string value)
    {
        _entries.Add($$"""
            "__metadata__":{"{{key}}":"{{value}}"}
            """);
        return this;
    }

    public SafetensorsBuilder Add(string name, string dtype, long[] shape, ReadOnlySpan<byte> bytes)
    {
        int begin = _data.Count;
        _data.AddRange(bytes);
        _entries.Add($$"""
            "{{name}}":{"dtype":"{{dtype}}","shape":[{{string.Join(',', shape)}}],"data_offsets":[{{begin}},{{_data.Count}}]}
            """);
        return this;
    }

    public SafetensorsBuilder Floats(string name, long[] shape, params ReadOnlySpan<float> values)
        => Add(name, "F32", shape, System.Runtime.InteropServices.MemoryMarshal.AsBytes(values));

    /// <param name="padding">Spaces behind the header, which decide how the data is aligned.</param>
    public byte[] Build(int padding = 0)
        => Raw(Encoding.UTF8.GetBytes("{" + string.Join(',', _entries) + "}" + new string(' ', padding)), _data.ToArray());
}
