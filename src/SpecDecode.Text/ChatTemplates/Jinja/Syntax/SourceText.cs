namespace SpecDecode.ChatTemplates.Jinja.Syntax;

/// <summary>A template's source with line breaks made uniform and the last one dropped, and where its lines begin.</summary>
internal sealed class SourceText
{
    private readonly List<int> _lineStarts = [0];

    public SourceText(string source)
    {
        Text = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        if (Text.EndsWith('\n'))
        {
            Text = Text[..^1];
        }

        for (int at = Text.IndexOf('\n', StringComparison.Ordinal); at >= 0; at = Text.IndexOf('\n', at + 1))
        {
            _lineStarts.Add(at + 1);
        }
    }

    public string Text { get; }

    public Position PositionOf(int offset)
    {
        int line = _lineStarts.BinarySearch(offset);
        line = line < 0 ? ~line - 1 : line;
        return new Position(line + 1, offset - _lineStarts[line] + 1);
    }
}
