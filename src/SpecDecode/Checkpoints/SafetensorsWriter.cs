using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;

namespace SpecDecode.Checkpoints;

/// <summary>Writes tensors of a safetensors file as another one, byte for byte, through a buffer whose size does not depend on theirs.</summary>
internal static class SafetensorsWriter
{
    private const int PieceLength = 1 << 20;

    // Where data begin, so that tensors of any type can be mapped; the reference implementation pads with spaces too.
    private const int Alignment = 8;

    // Without it transformers does not take a file.
    private const string FormatKey = "format";
    private const string Format = "pt";

    /// <summary>Writes a file: a header, then the tensors side by side in the order of the list.</summary>
    /// <param name="target">Takes the file; written from where it stands.</param>
    /// <param name="source">The file that has the tensors.</param>
    /// <param name="tensors">Tensors of it, and the names that they get; the names are all different.</param>
    /// <param name="wrote">Told how many bytes were written, after each piece of at most a megabyte.</param>
    /// <param name="cancellationToken">Asked before each piece.</param>
    /// <exception cref="CheckpointException">The source cannot be read any more.</exception>
    /// <exception cref="IOException">The target cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The token said so.</exception>
    public static void Write(
        Stream target, SafetensorsFile source, IReadOnlyList<(string Name, TensorEntry Tensor)> tensors, Action<long> wrote, CancellationToken cancellationToken)
    {
        byte[] header = Header(source.Metadata, tensors);
        Span<byte> length = stackalloc byte[SafetensorsHeader.PrefixLength];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        target.Write(length);
        target.Write(header);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(PieceLength);
        try
        {
            foreach ((_, TensorEntry tensor) in tensors)
            {
                for (long done = 0; done < tensor.Length;)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    Span<byte> piece = buffer.AsSpan(0, (int)Math.Min(PieceLength, tensor.Length - done));
                    CheckpointFile.ReadExactly(source.Handle, source.Path, tensor.Offset + done, piece);
                    target.Write(piece);
                    done += piece.Length;
                    wrote(piece.Length);
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static byte[] Header(IReadOnlyDictionary<string, string> metadata, IReadOnlyList<(string Name, TensorEntry Tensor)> tensors)
    {
        ArrayBufferWriter<byte> bytes = new();
        using (Utf8JsonWriter json = new(bytes))
        {
            json.WriteStartObject();
            json.WriteStartObject(SafetensorsHeaderParser.MetadataKey);
            foreach ((string key, string text) in metadata)
            {
                json.WriteString(key, text);
            }

            if (!metadata.ContainsKey(FormatKey))
            {
                json.WriteString(FormatKey, Format);
            }

            json.WriteEndObject();
            long begin = 0;
            foreach ((string name, TensorEntry tensor) in tensors)
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", tensor.DType);
                WriteNumbers(json, "shape", tensor.Shape.AsSpan());
                WriteNumbers(json, "data_offsets", [begin, begin + tensor.Length]);
                json.WriteEndObject();
                begin += tensor.Length;
            }

            json.WriteEndObject();
        }

        int padding = (Alignment - (SafetensorsHeader.PrefixLength + bytes.WrittenCount) % Alignment) % Alignment;
        bytes.GetSpan(padding)[..padding].Fill((byte)' ');
        bytes.Advance(padding);
        return bytes.WrittenSpan.ToArray();
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, ReadOnlySpan<long> numbers)
    {
        json.WriteStartArray(name);
        foreach (long number in numbers)
        {
            json.WriteNumberValue(number);
        }

        json.WriteEndArray();
    }
}
