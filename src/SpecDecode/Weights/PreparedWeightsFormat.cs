using System.Buffers.Binary;
using System.Collections.Immutable;
using System.IO.Hashing;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using SpecDecode.Descriptions;

namespace SpecDecode.Weights;

/// <summary>
/// The layout of a prepared-weights file: tensors (little-endian, each at a multiple of 4096, quantised ones as
/// <see cref="TensorFormat"/> says), then a JSON table of them with their origin and a hash for every <see cref="ChunkBytes"/>
/// of the data, then a trailer with the table's length and hash. What a crash or a full disk leaves behind has no valid trailer.
/// </summary>
internal static class PreparedWeightsFormat
{
    // Raised whenever the same checkpoint would be written differently. Before 4, quantised weights were rounded otherwise, and lay as now.
    private const int RowsBeforeVersion = 2;
    private const int PanelsVersion = 3;
    private const int RowsVersion = 4;

    /// <summary>The versions that are read, for messages.</summary>
    public static string Versions => $"{RowsBeforeVersion} to {RowsVersion}";

    /// <summary>The version of files in which matrices lie so; part of every key.</summary>
    public static int VersionOf(TensorLayout layout) => layout == TensorLayout.Panels ? PanelsVersion : RowsVersion;

    /// <summary>How matrices lie in files of a version; null of one that is not read.</summary>
    public static TensorLayout? LayoutOf(int version) => version switch
    {
        RowsBeforeVersion or RowsVersion => TensorLayout.Rows,
        PanelsVersion => TensorLayout.Panels,
        _ => null,
    };

    /// <summary>Whether this version of the library writes files of a version no more, though it reads them.</summary>
    public static bool IsOlder(int version) => IsKnown(version) && version != VersionOf(LayoutOf(version)!.Value);

    /// <summary>Whether files of a version are read.</summary>
    public static bool IsKnown(int version) => LayoutOf(version) is not null;

    /// <summary>How much data one hash covers.</summary>
    public const int ChunkBytes = 16 << 20;

    /// <summary>Trailer: table length (8 bytes), XxHash128 of the table (16), magic (16).</summary>
    public const int TrailerBytes = 40;

    private const int MaxTableBytes = 64 << 20;

    private static ReadOnlySpan<byte> Magic => "SpecDecodeWeight"u8;

    /// <summary>The table in memory.</summary>
    /// <param name="Version">The version of the file's format.</param>
    /// <param name="Key">The origin's and the recipes' key.</param>
    /// <param name="Origin">What the file was made from and how.</param>
    /// <param name="DataLength">Bytes before the table.</param>
    /// <param name="ChunkHashes">XxHash3 of each chunk of the data.</param>
    /// <param name="Tensors">The tensors.</param>
    public sealed record Table(
        int Version, string Key, WeightOrigin Origin, long DataLength, ImmutableArray<ulong> ChunkHashes, ImmutableArray<PreparedTensor> Tensors);

    /// <summary>What the table of every version says.</summary>
    /// <param name="Version">The version of the format.</param>
    /// <param name="Checkpoint">The checkpoint's fingerprint; null where it is not said so.</param>
    /// <param name="Precision">What matrices are rounded to; null where it is not said so.</param>
    public sealed record Heading(int Version, string? Checkpoint, string? Precision)
    {
        /// <summary>Whether the weights are of the same checkpoint in the same precision.</summary>
        public bool IsOf(WeightOrigin origin) =>
            Checkpoint == origin.Fingerprint.ToString() && Precision == origin.Settings.Precision.Name();
    }

    /// <summary>
    /// How long the file of these recipes will be. Hashes are numbers written out, which are not known before: each counts with all of
    /// its digits, so the file may be a byte or two shorter for every <see cref="ChunkBytes"/>.
    /// </summary>
    /// <param name="origin">What the file would be made from and how; of the fingerprint only the length counts.</param>
    /// <param name="recipes">The tensors.</param>
    public static long FileBytes(WeightOrigin origin, ImmutableArray<TensorRecipe> recipes)
    {
        ImmutableArray<PreparedTensor>.Builder tensors = ImmutableArray.CreateBuilder<PreparedTensor>(recipes.Length);
        long length = 0;
        foreach (TensorRecipe recipe in recipes)
        {
            tensors.Add(new PreparedTensor(recipe.Name, recipe.Shape, recipe.Format, length));
            length = checked(length + recipe.Format.FileBytes(recipe.Shape));
        }

        ulong[] hashes = new ulong[checked((int)((length + ChunkBytes - 1) / ChunkBytes))];
        Array.Fill(hashes, ulong.MaxValue);
        using MemoryStream table = WriteJson(new Table(VersionOf(origin.Settings.Layout), new string('0', 32), origin, length, [.. hashes], tensors.MoveToImmutable()));
        return length + table.Length + TrailerBytes;
    }

    /// <summary>Writes table and trailer at the stream's position.</summary>
    public static void WriteTable(Stream stream, Table table)
    {
        using MemoryStream buffer = WriteJson(table);
        ReadOnlySpan<byte> bytes = buffer.GetBuffer().AsSpan(0, (int)buffer.Length);
        Span<byte> trailer = stackalloc byte[TrailerBytes];
        BinaryPrimitives.WriteInt64LittleEndian(trailer, bytes.Length);
        XxHash128.Hash(bytes, trailer[8..24]);
        Magic.CopyTo(trailer[24..]);
        stream.Write(bytes);
        stream.Write(trailer);
    }

    private static MemoryStream WriteJson(Table table)
    {
        MemoryStream buffer = new();
        using Utf8JsonWriter json = new(buffer);
        WeightTable.Write(json, table);
        return buffer;
    }

    /// <summary>Reads the table; what is not a whole, undamaged file of this version gives null, whatever is wrong with it.</summary>
    public static Table? ReadTable(SafeFileHandle file) =>
        ReadTableBytes(file) is { } bytes ? WeightTable.Parse(bytes, RandomAccess.GetLength(file) - TrailerBytes - bytes.Length) : null;

    /// <summary>Reads what every version's table says; null where the file is no whole, undamaged one of any version.</summary>
    public static Heading? ReadHeading(SafeFileHandle file) => ReadTableBytes(file) is { } bytes ? WeightTable.ParseHeading(bytes) : null;

    private static byte[]? ReadTableBytes(SafeFileHandle file)
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
        return hash.SequenceEqual(trailer[8..24]) ? bytes : null;
    }

    /// <summary>Reads exactly the buffer's length; false at the end of the file.</summary>
    public static bool ReadExactly(SafeFileHandle file, Span<byte> buffer, long offset)
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
}
