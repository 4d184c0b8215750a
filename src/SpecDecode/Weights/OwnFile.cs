using Microsoft.Win32.SafeHandles;

namespace SpecDecode.Weights;

/// <summary>
/// Small files in a folder that <see cref="CacheFolder"/> trusts: written whole or not at all, for their owner alone, and read where nobody
/// else can have written them.
/// </summary>
internal static class OwnFile
{
    private const string TemporaryExtension = ".tmp";

    /// <summary>What the names of those look like that a crash has left half-written.</summary>
    /// <param name="extension">The extension that they would have got.</param>
    public static string TemporaryPattern(string extension) => "*" + extension + TemporaryExtension;

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mostBytes">The most that it may have; of a longer one nothing is read.</param>
    /// <param name="doubt">Why a file that is there is not read; null else.</param>
    /// <returns>Its bytes; null where it is not read, or not there.</returns>
    public static byte[]? TryRead(string path, int mostBytes, out string? doubt)
    {
        doubt = null;
        try
        {
            FileInfo file = new(path);
            if (!file.Exists && !Directory.Exists(path))
            {
                return null;
            }

            // Asked before it is opened: a named pipe, which is as long as nothing, would wait for its writer.
            doubt = file.LinkTarget is not null ? "it is a link"
                : !file.Exists ? "it is a folder"
                : file.Length < 1 ? "it is empty"
                : file.Length > mostBytes ? TooLong(file.Length, mostBytes)
                : null;
            if (doubt is not null)
            {
                return null;
            }

            using SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            long length = RandomAccess.GetLength(handle);
            doubt = FileTrust.FindFileDoubt(handle) ?? (length > mostBytes ? TooLong(length, mostBytes) : null);
            if (doubt is not null)
            {
                return null;
            }

            byte[] bytes = new byte[length];
            if (PreparedWeightsFormat.ReadExactly(handle, bytes, 0))
            {
                return bytes;
            }

            doubt = "it ended while it was read";
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            // Gone in the meantime.
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            doubt = $"it cannot be read ({error.Message})";
        }

        return null;
    }

    /// <summary>Writes a file in place of what is there; whoever reads meanwhile finds the one or the other.</summary>
    /// <param name="path">The file.</param>
    /// <param name="bytes">What it is to hold.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static void Write(string path, ReadOnlySpan<byte> bytes)
    {
        string folder = Path.GetDirectoryName(path)!;
        string temporary = Path.Combine(folder, $"{Guid.NewGuid():n}{Path.GetExtension(path)}{TemporaryExtension}");
        FileTrust.CreateFolder(folder);
        try
        {
            FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = FileTrust.OwnFile;
            }

            using (FileStream stream = new(temporary, options))
            {
                stream.Write(bytes);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    private static string TooLong(long length, int mostBytes) => $"it has {length} bytes, and none of these has more than {mostBytes}";
}
