using System.Security;
using Microsoft.Win32.SafeHandles;
using SpecDecode.Checkpoints;

namespace SpecDecode.Drafting.Profiles;

/// <summary>A profile's bytes on the disk. Every way in which that can fail becomes a sentence.</summary>
internal static class ProfileFile
{
    /// <summary>Reads a file of at most <see cref="DraftingProfile.MaxFileBytes"/> bytes.</summary>
    public static byte[] Read(string path)
    {
        try
        {
            if (Directory.Exists(path))
            {
                throw new SpecDecodeException($"{path}: is a folder: name the file of a drafting profile in it.");
            }

            // Asked before it is opened: a named pipe would wait for its writer, and its length is 0.
            if (new FileInfo(FileLinks.Resolve(path)) is { Exists: true, Length: 0 })
            {
                throw new SpecDecodeException($"{path}: is empty: restore the drafting profile, or calibrate again.");
            }

            using SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            long length = RandomAccess.GetLength(handle);
            if (length > DraftingProfile.MaxFileBytes)
            {
                throw new SpecDecodeException($"{path}: has {length} bytes, and a drafting profile has at most {DraftingProfile.MaxFileBytes}: name another file.");
            }

            byte[] bytes = new byte[length];
            int done = 0;
            while (done < bytes.Length && RandomAccess.Read(handle, bytes.AsSpan(done), done) is > 0 and var read)
            {
                done += read;
            }

            return bytes[..done];
        }
        catch (Exception error) when (IsFileFailure(error))
        {
            throw new SpecDecodeException(error is FileNotFoundException or DirectoryNotFoundException
                ? $"{path}: there is no drafting profile: correct the path, or make one by calibrating."
                : $"{path}: the drafting profile cannot be read ({error.Message}): correct the path, or give this process the right to read it.", error);
        }
    }

    /// <summary>Writes a file beside its place and moves it there.</summary>
    public static void Write(string path, byte[] bytes) => Write(path, stream => stream.Write(bytes));

    /// <inheritdoc cref="Write(string, byte[])"/>
    public static void Write(string path, Action<Stream> write)
    {
        string? temporary = null;
        try
        {
            string full = Path.GetFullPath(path);
            string beside = $"{full}.{Guid.NewGuid():n}.tmp";
            using (FileStream stream = new(beside, FileMode.CreateNew, FileAccess.Write))
            {
                temporary = beside;
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(beside, full, overwrite: true);
            temporary = null;
        }
        catch (Exception error) when (IsFileFailure(error))
        {
            throw new SpecDecodeException($"{path}: the drafting profile cannot be written there ({error.Message}): name another file, or free the space.", error);
        }
        finally
        {
            TryDelete(temporary);
        }
    }

    private static bool IsFileFailure(Exception error) =>
        error is IOException or UnauthorizedAccessException or SecurityException or ArgumentException or NotSupportedException or CheckpointException;

    private static void TryDelete(string? path)
    {
        try
        {
            if (path is not null)
            {
                File.Delete(path);
            }
        }
        catch (Exception error) when (IsFileFailure(error))
        {
            // It stays, under a name that nobody takes for a profile.
        }
    }
}
