using System.Text;

namespace SpecDecode.Tool;

/// <summary>A UTF-8 file of documents with blank lines between them.</summary>
internal static class DocumentFile
{
    private const long MaxBytes = 256 << 20;

    /// <summary>Reads the documents; lines within one are joined by a line feed, without one at the end.</summary>
    /// <exception cref="SpecDecodeException">The file cannot be read, is too large, is not UTF-8, or has no document.</exception>
    public static IReadOnlyList<string> Read(string path)
    {
        List<string> documents = [];
        List<string> lines = [];
        void End()
        {
            if (lines.Count > 0)
            {
                documents.Add(string.Join('\n', lines));
                lines.Clear();
            }
        }

        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > MaxBytes })
            {
                throw new SpecDecodeException($"{path}: it is larger than {MaxBytes >> 20} MB; give a part of it.");
            }

            foreach (string line in File.ReadLines(path, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true)))
            {
                if (string.IsNullOrWhiteSpace(line))
                {
                    End();
                }
                else
                {
                    lines.Add(line);
                }
            }
        }
        catch (DecoderFallbackException error)
        {
            throw new SpecDecodeException($"{path}: it is not UTF-8; save it as UTF-8.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new SpecDecodeException($"{path}: the text cannot be read ({error.Message}). Name a UTF-8 file of documents separated by blank lines.", error);
        }

        End();
        return documents.Count > 0 ? documents : throw new SpecDecodeException($"{path}: there is no text in it. Give at least one document.");
    }
}
