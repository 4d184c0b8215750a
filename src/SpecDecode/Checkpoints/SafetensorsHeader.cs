using System.Buffers.Binary;
using System.Text.Unicode;
using Microsoft.Win32.SafeHandles;

namespace SpecDecode.Checkpoints;

/// <summary>
/// The head of a safetensors file: 8 bytes with the little-endian length N of a JSON object, the N bytes of that object,
/// then the tensors' data without gaps to the end of the file.
/// </summary>
internal static class SafetensorsHeader
{
    /// <summary>The format's own limit for N, in bytes.</summary>
    public const ulong MaxLength = 100_000_000;

    /// <summary>Bytes of the length before it.</summary>
    public const int PrefixLength = 8;

    /// <summary>Reads and checks the head. Nothing of the length that it claims is allocated before the claim is checked.</summary>
    /// <param name="handle">The open file.</param>
    /// <param name="path">Its path.</param>
    /// <param name="fileLength">Its length in bytes.</param>
    /// <param name="metadata">What it says beside tensors, such as <c>format</c>.</param>
    /// <returns>All tensors by name; they cover the data exactly.</returns>
    /// <exception cref="CheckpointException">The head is damaged, or does not agree with the file.</exception>
    public static Dictionary<string, TensorEntry> Read(
        SafeFileHandle handle, string path, long fileLength, out IReadOnlyDictionary<string, string> metadata)
    {
        if (fileLength < PrefixLength)
        {
            throw new CheckpointException(path, $"has {fileLength} bytes, and a safetensors file begins with {PrefixLength} bytes "
                + "for the length of its header; download it again");
        }

        Span<byte> start = stackalloc byte[PrefixLength + 1];
        start = start[..(int)Math.Min(start.Length, fileLength)];
        CheckpointFile.ReadExactly(handle, path, 0, start);
        if (start.StartsWith("version "u8))
        {
            throw new CheckpointException(path, "is the pointer that Git LFS leaves in the place of a file; fetch the file itself by git lfs pull, "
                + "or download it again");
        }

        ulong claimed = BinaryPrimitives.ReadUInt64LittleEndian(start);
        if (claimed > MaxLength)
        {
            throw new CheckpointException(path, $"claims a header of {claimed} bytes, more than the {MaxLength} that the format allows; "
                + "it is not a safetensors file or is damaged, download it again");
        }

        int headerLength = (int)claimed;
        if (headerLength > fileLength - PrefixLength)
        {
            throw new CheckpointException(path, $"claims a header of {headerLength} bytes, and only {fileLength - PrefixLength} bytes "
                + "follow; the file was cut off, download it again");
        }

        if (headerLength < 2 || start[PrefixLength] != (byte)'{')
        {
            throw new CheckpointException(path, "has a header that does not begin with '{'; it is not a safetensors file or is damaged, "
                + "download it again");
        }

        var header = GC.AllocateUninitializedArray<byte>(headerLength);
        CheckpointFile.ReadExactly(handle, path, PrefixLength, header);
        if (!Utf8.IsValid(header))
            throw new CheckpointException(path, "has a header that is not valid UTF-8; download it again");

        var parser = new SafetensorsHeaderParser(path, header);
        var tensors = parser.Parse();
        metadata = parser.Metadata;
        long dataStart = PrefixLength + headerLength;
        SafetensorsLayout.Check(path, tensors, fileLength - dataStart);

        var entries = new Dictionary<string, TensorEntry>(tensors.Count, StringComparer.Ordinal);
        foreach (var (name, dtype, shape, begin, end) in tensors)
            entries.Add(name, new(name, dtype, shape, path, dataStart + begin, end - begin));
        return entries;
    }
}
