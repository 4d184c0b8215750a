using System.Text;

namespace SpecDecode.Tool;

/// <summary>Files that a command is given.</summary>
internal static class InputFile
{
    private const long MaxLength = 256 << 20;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads a file as UTF-8; a byte order mark is passed over.</summary>
    /// <exception cref="SpecDecodeException">It cannot be read, is no UTF-8, or has more than 256 MB.</exception>
    public static string ReadText(string path)
    {
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > MaxLength })
            {
                throw new SpecDecodeException($"{path}: it has more than {MaxLength >> 20} MB. Name another file.");
            }

            using StreamReader reader = new(path, Strict);
            return reader.ReadToEnd();
        }
        catch (DecoderFallbackException error)
        {
            throw new SpecDecodeException($"{path}: it is not valid UTF-8. Save it as UTF-8.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new SpecDecodeException($"{path}: it cannot be read ({error.Message}). Correct the path.", error);
        }
    }
}
