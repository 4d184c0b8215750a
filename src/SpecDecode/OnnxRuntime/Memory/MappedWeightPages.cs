using System.Globalization;
using System.Runtime.Versioning;
using SpecDecode.Models.Checkpoints;

namespace SpecDecode.OnnxRuntime.Memory;

/// <summary>
/// ONNX Runtime maps the weights file for each session, packs quantised matrices into memory of its own, and keeps what it has
/// read of the file resident, though the packed form holds it too. This gives those pages back. Pages that are read after all,
/// such as rows of the embedding, come back by themselves.
/// </summary>
/// <remarks>
/// A mapping that its session has given up may be another's memory a moment later, so no session of the process may come or go
/// between looking for mappings and giving their pages back: sessions are created and disposed through here.
/// </remarks>
internal static class MappedWeightPages
{
    private const string Anonymous = "Anonymous:";

    // Read: mappings come and go. Write: none does.
    private static readonly ReaderWriterLockSlim Mappings = new();

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

    [SupportedOSPlatform("linux")]
    private static void DropMappings(string path)
    {
        (long Start, long Length)? mapping = null;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            if (line.Length > 0 && !char.IsAsciiLetterUpper(line[0]))
            {
                mapping = line.EndsWith(path, StringComparison.Ordinal) ? Range(line) : null;
            }
            else if (mapping is var (start, length) && line.StartsWith(Anonymous, StringComparison.Ordinal))
            {
                if (line.AsSpan(Anonymous.Length).Trim() is "0 kB")
                {
                    unsafe
                    {
                        PageAdvice.DoNotNeed((byte*)start, 0, length);
                    }
                }

                mapping = null;
            }
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
