using System.Text;

namespace SpecDecode.Tool;

/// <summary>Texts that options name by their files.</summary>
internal static class InputFile
{
    /// <summary>What stands for standard input in place of a path; a file of that name is <c>./-</c>.</summary>
    public const string StandardInput = "-";

    private const int MaxBytes = 256 << 20;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>What to call a file in a message.</summary>
    public static string NameOf(string path) => path == StandardInput ? "standard input" : path;

    /// <summary>Reads a text, of which every byte counts, a byte order mark too.</summary>
    /// <param name="path">A file or a pipe, of at most 256 MB of UTF-8; <see cref="StandardInput"/> for standard input.</param>
    /// <param name="cancellationToken">Ends the waiting for a pipe or a terminal.</param>
    /// <exception cref="SpecDecodeException">It cannot be read, is too large, or is not UTF-8.</exception>
    /// <exception cref="OperationCanceledException">The waiting was ended.</exception>
    public static string ReadWhole(string path, CancellationToken cancellationToken)
    {
        string name = NameOf(path);
        try
        {
            using Stream file = path == StandardInput ? Console.OpenStandardInput() : new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using MemoryStream bytes = new();
            byte[] piece = new byte[1 << 16];
            for (int read; (read = file.CanSeek ? file.Read(piece) : PatientRead.Read(file, piece, cancellationToken)) > 0; bytes.Write(piece, 0, read))
            {
                if (bytes.Length + read > MaxBytes)
                {
                    throw new SpecDecodeException($"{name}: it has more than {MaxBytes >> 20} MB; give a part of it.");
                }
            }

            return Strict.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
        }
        catch (DecoderFallbackException error)
        {
            throw new SpecDecodeException($"{name}: byte {error.Index} is not part of UTF-8 text; save it as UTF-8.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new SpecDecodeException($"{name}: cannot be read ({error.Message.TrimEnd('.')}). Correct the path.", error);
        }
    }

    /// <summary>The same without a byte order mark.</summary>
    public static string ReadText(string path, CancellationToken cancellationToken)
    {
        string text = ReadWhole(path, cancellationToken);
        return text.StartsWith('\uFEFF') ? text[1..] : text;
    }

    /// <summary>The lines of such a text.</summary>
    public static IEnumerable<string> ReadLines(string path, CancellationToken cancellationToken)
    {
        using StringReader text = new(ReadText(path, cancellationToken));
        while (text.ReadLine() is { } line)
        {
            yield return line;
        }
    }
}
