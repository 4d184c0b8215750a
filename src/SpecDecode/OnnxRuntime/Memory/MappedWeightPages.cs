using System.Globalization;
using System.Runtime.Versioning;
using SpecDecode.Models.Checkpoints;

namespace SpecDecode.OnnxRuntime.Memory;

/// <summary>
/// ONNX Runtime packs quantised matrices into memory of its own and keeps the file's scales mapped, though the packed form
/// holds them too. Their pages stay resident for nothing; this gives them back. Pages that are read after all, such as rows of
/// the embedding, come back by themselves.
/// </summary>
internal static class MappedWeightPages
{
    private const string Anonymous = "Anonymous:";

    /// <summary>
    /// Takes the file's pages out of this process's resident memory: of those mappings that have no page of their own, so that
    /// nothing can be lost. Linux only; nothing happens elsewhere.
    /// </summary>
    /// <param name="path">The file's full path.</param>
    public static void Drop(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        try
        {
            DropMappings(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // No /proc: the pages stay until memory runs short.
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

    // "7f1c2000-7f1c5000 rw-p 00000000 fe:00 1234   /path"
    private static (long Start, long Length)? Range(string line)
    {
        string[] ends = line.Split(' ', 2)[0].Split('-');
        return ends.Length == 2
            && long.TryParse(ends[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long start)
            && long.TryParse(ends[1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long end)
            ? (start, end - start)
            : null;
    }
}
