using Microsoft.Win32.SafeHandles;

namespace SpecDecode.Checkpoints;

/// <summary>What the fingerprint says of a file besides its bytes.</summary>
/// <param name="Name">The file's name without its folder.</param>
/// <param name="Length">Its length in bytes.</param>
internal readonly record struct FileStamp(string Name, long Length)
{
    /// <summary>Takes the stamp of an open file.</summary>
    /// <param name="handle">The open file.</param>
    /// <param name="path">Its path.</param>
    /// <exception cref="CheckpointException">The file cannot be asked.</exception>
    public static FileStamp Of(SafeFileHandle handle, string path)
    {
        try
        {
            return new(Path.GetFileName(path), RandomAccess.GetLength(handle));
        }
        catch (Exception failure) when (CheckpointFile.IsFileFailure(failure))
        {
            throw CheckpointFile.Unreadable(path, failure);
        }
    }
}
