using System.Globalization;
using System.Runtime.Versioning;
using System.Text;
using SpecDecode.Checkpoints;

namespace SpecDecode.OnnxRuntime.Memory;

/// <summary>
/// ONNX Runtime maps the weights file for each session, packs quantised matrices into memory of its own, and keeps what it has
/// read of the file resident, though the packed form holds it too. This gives those pages back. Pages that are read after all,
/// such as norms and zero points, come back by themselves.
/// </summary>
/// <remarks>
/// A mapping that its session has given up may be another's memory a moment later, so no session of the process may come or go
/// between looking for mappings and giving their pages back: sessions are created and disposed through here.
/// </remarks>
internal static class MappedWeightPages
{
    // A path has 4096 bytes at most, some of them written as four.
    private const int LongestLine = 1 << 15;

    // Read: mappings come and go. Write: none does.
    private static readonly ReaderWriterLockSlim Mappings = new();

    private static ReadOnlySpan<byte> Anonymous => "Anonymous:"u8;

    /// <summary>Creates or disposes a session.</summary>
    public static T WithSessions<T>(Func<T> change)
    {
        Mappings.EnterReadLock();
        try
        {
            return change();
        }
        finally
        {
            Mappings.ExitReadLock();
        }
    }

    /// <summary>
    /// Takes a file's pages out of this process's resident memory: of those mappings by sessions that have no page of their own,
    /// so that nothing can be lost. Waits for sessions that are being created. Linux only; nothing happens elsewhere.
    /// </summary>
    /// <param name="path">The file's full path.</param>
    public static void Drop(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        Mappings.EnterWriteLock();
        try
        {
            DropMappings(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // No /proc: the pages stay until memory runs short.
        }
        finally
        {
            Mappings.ExitWriteLock();
        }
    }

    // Line by line through one buffer: as strings the list would be megabytes of garbage, at a time when memory counts.
    [SupportedOSPlatform("linux")]
    private static void DropMappings(string path)
    {
        byte[] name = Encoding.UTF8.GetBytes(path);
        byte[] buffer = new byte[LongestLine];
        using FileStream mappings = new("/proc/self/smaps", FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        (long Start, long Length)? mapping = null;
        int filled = 0;
        int read;
        while ((read = mappings.Read(buffer, filled, buffer.Length - filled)) > 0)
        {
            ReadOnlySpan<byte> text = buffer.AsSpan(0, filled += read);
            for (int end; (end = text.IndexOf((byte)'\n')) >= 0; text = text[(end + 1)..])
            {
                ReadOnlySpan<byte> line = text[..end];
                if (line.Length > 0 && !char.IsAsciiLetterUpper((char)line[0]))
                {
                    mapping = line.EndsWith(name) ? Range(Encoding.UTF8.GetString(line)) : null;
                }
                else if (mapping is var (start, length) && line.StartsWith(Anonymous))
                {
                    if (line[Anonymous.Length..].Trim((byte)' ').SequenceEqual("0 kB"u8))
                    {
                        unsafe
                        {
                            PageAdvice.DoNotNeed((byte*)start, 0, length);
                        }
                    }

                    mapping = null;
                }
            }

            text.CopyTo(buffer);
            filled = text.Length;
        }
    }

    // "7f1c2000-7f1c5000 rw-p 00001000 fe:00 1234   /path". From the start of the file maps whoever reads its header, at any time.
    private static (long Start, long Length)? Range(string line)
    {
        string[] fields = line.Split(' ', 4);
        string[] ends = fields[0].Split('-');
        return fields.Length == 4 && ends.Length == 2
            && long.TryParse(fields[2], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long offset) && offset > 0
            && long.TryParse(ends[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long start)
            && long.TryParse(ends[1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long end)
            ? (start, end - start)
            : null;
    }
}
