using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace SpecDecode.Models.Checkpoints;

/// <summary>What can be told of a file without reading it: a file whose stamp is the same has very likely the same bytes.</summary>
/// <param name="Name">The file's name without its folder.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="LastWriteUtcTicks">When it was last written, in ticks of UTC.</param>
internal readonly record struct FileStamp(string Name, long Length, long LastWriteUtcTicks)
{
    /// <summary>Takes the stamp of an open file.</summary>
    /// <param name="handle">The open file.</param>
    /// <param name="path">Its path.</param>
    /// <exception cref="CheckpointException">The file cannot be asked.</exception>
    public static FileStamp Of(SafeFileHandle handle, string path)
    {
        try
        {
            return new(Path.GetFileName(path), RandomAccess.GetLength(handle), File.GetLastWriteTimeUtc(handle).Ticks);
        }
        catch (Exception failure) when (CheckpointFile.IsFileFailure(failure))
        {
            throw CheckpointFile.Unreadable(path, failure);
        }
    }

    /// <summary>The stamp as text, <c>name:length:ticks</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name}:{Length}:{LastWriteUtcTicks}");
}
