using System.Buffers.Binary;
using System.Collections.Immutable;
using System.IO.Hashing;
using System.Text.Json;

namespace SpecDecode.Models.Weights;

/// <summary>
/// The layout of a prepared-weights file: tensors (little-endian float32, each at a multiple of 4096), then a JSON table
/// of them with a hash for every <see cref="ChunkBytes"/> of the data, then a trailer with the table's length and hash.
/// What a crash or a full disk leaves behind has no valid trailer.
/// </summary>
internal static class PreparedWeightsFormat
{
    /// <summary>Raised whenever the same checkpoint would be written differently; part of every key.</summary>
    public const int Version = 1;

    /// <summary>Tensors begin at multiples of this, so that each can be mapped alone.</summary>
    public const int Alignment = 4096;

    /// <summary>How much data one hash covers.</summary>
    public const int ChunkBytes = 16 << 20;

    /// <summary>Trailer: table length (8 bytes), XxHash128 of the table (16), magic (16).</summary>
    public const int TrailerBytes = 40;

    private const int MaxTableBytes = 64 << 20;

    private static ReadOnlySpan<byte> Magic => "SpecDecodeWeight"u8;

    /// <summary>The table in memory.</summary>
    /// <param name="Key">What the file was made from and how.</param>
    /// <param name="DataLength">Bytes before the table.</param>
    /// <param name="ChunkHashes">XxHash3 of each chunk of the data.</param>
    /// <param name="Tensors">The tensors.</param>
    public sealed record Table(string Key, long DataLength, ImmutableArray<ulong> ChunkHashes, ImmutableArray<PreparedTensor> Tensors);

    /// <summary>Writes table and trailer at the stream's position.</summary>
    public static void WriteTable(Stream stream, Table table)
    {
        using MemoryStream buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            json.WriteString("key", table.Key);
            json.WriteNumber("data_length", table.DataLength);
            json.WriteStartArray("chunk_hashes");
            foreach (ulong hash in table.ChunkHashes)
            {
                json.WriteNumberValue(hash);
            }

            json.WriteEndArray();
            json.WriteStartArray("tensors");
            foreach (PreparedTensor tensor in table.Tensors)
            {
                json.WriteStartObject();
                json.WriteString("name", tensor.Name);
                json.WriteStartArray("shape");
                foreach (long dimension in tensor.Shape)
                {
                    json.WriteNumberValue(dimension);
                }

                json.WriteEndArray();
                json.WriteNumber("offset", tensor.Offset);
                json.WriteNumber("length", tensor.Length);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        ReadOnlySpan<byte> bytes = buffer.GetBuffer().AsSpan(0, (int)buffer.Length);
        Span<byte> trailer = stackalloc byte[TrailerBytes];
        BinaryPrimitives.WriteInt64LittleEndian(trailer, bytes.Length);
        XxHash128.Hash(bytes, trailer[8..24]);
        Magic.CopyTo(trailer[24..]);
        stream.Write(bytes);
        stream.Write(trailer);
    }

    /// <summary>Reads the table; what is not a whole, undamaged file gives null, whatever is wrong with it.</summary>
    public static Table? ReadTable(Microsoft.Win32.SafeHandles.SafeFileHandle file)
    {
        long length = RandomAccess.GetLength(file);
        Span<byte> trailer = stackalloc byte[TrailerBytes];
        if (length < TrailerBytes || !ReadExactly(file, trailer, length - TrailerBytes) || !trailer[24..].SequenceEqual(Magic))
        {
            return null;
        }

        long tableLength = BinaryPrimitives.ReadInt64LittleEndian(trailer);
        if (tableLength is <= 0 or > MaxTableBytes || tableLength > length - TrailerBytes)
        {
            return null;
        }

        byte[] bytes = new byte[tableLength];
        Span<byte> hash = stackalloc byte[16];
        if (!ReadExactly(file, bytes, length - TrailerBytes - tableLength))
        {
            return null;
        }

        XxHash128.Hash(bytes, hash);
        return hash.SequenceEqual(trailer[8..24]) ? Parse(bytes, length - TrailerBytes - tableLength) : null;
    }

    /// <summary>Reads exactly the buffer's length; false at the end of the file.</summary>
    public static bool ReadExactly(Microsoft.Win32.SafeHandles.SafeFileHandle file, Span<byte> buffer, long offset)
    {
        while (!buffer.IsEmpty)
        {
            int read = RandomAccess.Read(file, buffer, offset);
            if (read == 0)
            {
                return false;
            }

            buffer = buffer[read..];
            offset += read;
        }

        return true;
    }

    // The table's hash has been compared: what is parsed here is what WriteTable wrote.
    private static Table? Parse(byte[] bytes, long dataLength)
    {
        using JsonDocument json = JsonDocument.Parse(bytes);
        JsonElement root = json.RootElement;
        Table table = new(
            root.GetProperty("key").GetString()!,
            root.GetProperty("data_length").GetInt64(),
            [.. root.GetProperty("chunk_hashes").EnumerateArray().Select(hash => hash.GetUInt64())],
            [
                .. root.GetProperty("tensors").EnumerateArray().Select(tensor => new PreparedTensor(
                    tensor.GetProperty("name").GetString()!,
                    [.. tensor.GetProperty("shape").EnumerateArray().Select(dimension => dimension.GetInt64())],
                    tensor.GetProperty("offset").GetInt64(),
                    tensor.GetProperty("length").GetInt64())),
            ]);
        return table.DataLength == dataLength ? table : null;
    }
}
