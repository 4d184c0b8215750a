using System.Text;

namespace SpecDecode.Tool;

/// <summary>A text that an option names by its file.</summary>
internal static class TextFile
{
    private const int MaxLength = 64 << 20;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads a text, of which every byte counts, a byte order mark too.</summary>
    /// <param name="path">A file of at most 64 MB of UTF-8.</param>
    /// <exception cref="SpecDecodeException">It cannot be read, is too large, or is not UTF-8.</exception>
    public static string Read(string path)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            if (file.Length > MaxLength)
            {
                throw new SpecDecodeException($"{path}: has {file.Length} bytes, and a text has at most {MaxLength}; give it in parts.");
            }

            byte[] bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException problem)
        {
            throw new SpecDecodeException($"{path}: byte {problem.Index} is not part of UTF-8 text; convert the file to UTF-8.", problem);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new SpecDecodeException($"{path}: cannot be read ({problem.Message.TrimEnd('.')}); correct the path.", problem);
        }
    }
}
