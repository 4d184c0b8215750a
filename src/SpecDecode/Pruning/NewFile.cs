using SpecDecode.Checkpoints;

namespace SpecDecode.Pruning;

/// <summary>
/// Files and folders that are made after others: who may read and write those may do so here, as far as the process's mask allows. Nobody may
/// run a file, and their owner may always write.
/// </summary>
internal static class NewFile
{
    private const UnixFileMode ReadAndWrite =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    private const UnixFileMode Execute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>Makes a file, which must not exist, for writing.</summary>
    /// <param name="path">The file.</param>
    /// <param name="like">The file that it is made after; of a link what it leads to.</param>
    public static FileStream Create(string path, string like)
    {
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = (File.GetUnixFileMode(FileLinks.Resolve(like)) & ReadAndWrite) | UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return new FileStream(path, options);
    }

    /// <summary>Copies a file; of a link what it leads to.</summary>
    /// <param name="from">The file.</param>
    /// <param name="to">Where it goes; it must not exist.</param>
    /// <exception cref="CheckpointException">It cannot be read.</exception>
    public static void Copy(string from, string to)
    {
        using Microsoft.Win32.SafeHandles.SafeFileHandle source = CheckpointFile.Open(from);
        using FileStream target = Create(to, from);
        byte[] piece = new byte[1 << 16];
        long length = RandomAccess.GetLength(source);
        for (long done = 0; done < length;)
        {
            Span<byte> part = piece.AsSpan(0, (int)Math.Min(piece.Length, length - done));
            CheckpointFile.ReadExactly(source, from, done, part);
            target.Write(part);
            done += part.Length;
        }
    }

    /// <summary>Writes a small file, which must not exist.</summary>
    /// <param name="path">The file.</param>
    /// <param name="bytes">All of it.</param>
    /// <param name="like">The file that it is made after.</param>
    public static void Write(string path, ReadOnlySpan<byte> bytes, string like)
    {
        using FileStream target = Create(path, like);
        target.Write(bytes);
        target.Flush(flushToDisk: true);
    }

    /// <summary>Makes a folder, which must not exist.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="like">The folder that it is made after.</param>
    public static void CreateFolder(string path, string like)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
            return;
        }

        UnixFileMode mode = File.GetUnixFileMode(FileLinks.Resolve(like)) & (ReadAndWrite | Execute);
        Directory.CreateDirectory(path, mode | UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
