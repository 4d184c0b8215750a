using System.Security;
using Microsoft.Win32.SafeHandles;

namespace SpecDecode.Checkpoints;

/// <summary>Opens and reads a checkpoint's files; every way in which that can fail becomes a <see cref="CheckpointException"/>.</summary>
internal static class CheckpointFile
{
    /// <summary>Makes a path absolute. Where <c>..</c> stands behind a link, it leads where the operating system would go.</summary>
    /// <param name="path">A path as a person gave it.</param>
    /// <exception cref="CheckpointException">It is no path.</exception>
    public static string FullPath(string path)
    {
        if (string.IsNullOrWhiteSpace(path))
            throw new CheckpointException($"\"{path}\"", "is no path; give the path of a checkpoint");
        try
        {
            string full = Path.GetFullPath(path);
            if (OperatingSystem.IsWindows() || !path.Split('/').Contains(".."))
                return full;
            string place = FileLinks.Resolve(path);
            return FileLinks.Resolve(full) == place ? full : place;
        }
        catch (Exception failure) when (IsFileFailure(failure))
        {
            throw Unreadable(path, failure);
        }
    }

    /// <summary>Opens a file that is not empty for reading; others may read it meanwhile, not write it.</summary>
    /// <param name="path">The file; links are followed.</param>
    /// <exception cref="CheckpointException">It is missing, empty, a folder, or may not be read.</exception>
    public static SafeFileHandle Open(string path)
    {
        try
        {
            if (Directory.Exists(path))
                throw new CheckpointException(path, "is a folder where a file is expected; put the checkpoint's file in its place");

            // The length is asked for before opening: to open a named pipe would wait for its writer for ever, and its length is 0.
            var target = new FileInfo(FileLinks.Resolve(path));
            if (!target.Exists && FileLinks.Link(path) is not null)
                throw new CheckpointException(path, $"is a link to {target.FullName}, which does not exist; download the checkpoint again");
            if (target.Length == 0)
                throw new CheckpointException(path, "is empty (0 bytes); download it again");

            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read, FileOptions.SequentialScan);
        }
        catch (Exception failure) when (IsFileFailure(failure))
        {
            throw Unreadable(path, failure);
        }
    }

    /// <summary>Fills a buffer from an open file.</summary>
    /// <param name="handle">The open file.</param>
    /// <param name="path">Its path, for messages.</param>
    /// <param name="offset">Where to begin, in bytes from the start of the file.</param>
    /// <param name="destination">Filled completely.</param>
    /// <exception cref="CheckpointException">It cannot be read, or ends before the buffer is full.</exception>
    public static void ReadExactly(SafeFileHandle handle, string path, long offset, Span<byte> destination)
    {
        try
        {
            while (!destination.IsEmpty)
            {
                int read = RandomAccess.Read(handle, destination, offset);
                if (read == 0)
                {
                    throw new CheckpointException(path, "became shorter while it was read; wait until its download is complete "
                        + "and try again");
                }

                offset += read;
                destination = destination[read..];
            }
        }
        catch (Exception failure) when (IsFileFailure(failure))
        {
            throw Unreadable(path, failure);
        }
    }

    /// <summary>Reads a whole small file; one that is too large is refused before anything is allocated for it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="maxLength">The most bytes it may have.</param>
    /// <param name="stamp">The file's name and length as they were when it was read.</param>
    /// <exception cref="CheckpointException">It cannot be opened or read, or is too large.</exception>
    public static byte[] ReadAll(string path, int maxLength, out FileStamp stamp)
    {
        using var handle = Open(path);
        stamp = FileStamp.Of(handle, path);
        if (stamp.Length > maxLength)
        {
            throw new CheckpointException(path, $"has {stamp.Length} bytes, and such a file has at most {maxLength}; "
                + "put the right file in its place");
        }

        var bytes = new byte[stamp.Length];
        ReadExactly(handle, path, 0, bytes);
        return bytes;
    }

    /// <summary>Whether an exception is one of those with which the runtime reports what is wrong with a file or path.</summary>
    /// <param name="failure">The exception.</param>
    public static bool IsFileFailure(Exception failure)
        => failure is IOException or UnauthorizedAccessException or SecurityException or ArgumentException or NotSupportedException;

    /// <summary>The error for a file that the operating system does not let us read.</summary>
    /// <param name="path">The file.</param>
    /// <param name="failure">What the runtime reported.</param>
    public static CheckpointException Unreadable(string path, Exception failure) => failure switch
    {
        FileNotFoundException or DirectoryNotFoundException =>
            new(path, "does not exist; download the checkpoint again or correct the path", failure),
        UnauthorizedAccessException or SecurityException =>
            new(path, "may not be read: permission denied; give this process the right to read it", failure),
        PathTooLongException or ArgumentException or NotSupportedException =>
            new(path, $"cannot be opened ({failure.Message}); correct the path", failure),
        _ => new(path, $"cannot be read ({failure.Message}); check the disk and whether another program holds the file", failure),
    };
}
