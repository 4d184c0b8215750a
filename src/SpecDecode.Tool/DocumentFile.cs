namespace SpecDecode.Tool;

/// <summary>A UTF-8 file of documents with blank lines between them.</summary>
internal static class DocumentFile
{
    /// <summary>Reads the documents; lines within one are joined by a line feed, without one at the end.</summary>
    /// <exception cref="SpecDecodeException">The file cannot be read, is too large, is not UTF-8, or has no document.</exception>
    public static IReadOnlyList<string> Read(string path, CancellationToken cancellationToken)
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

        foreach (string line in InputFile.ReadLines(path, cancellationToken))
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

        End();
        return documents.Count > 0 ? documents : throw new SpecDecodeException($"{InputFile.NameOf(path)}: there is no text in it. Give at least one document.");
    }
}
