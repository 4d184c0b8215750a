using System.Text;

namespace SpecDecode.Tokenizers;

/// <summary>Writes spaces as a visible mark, puts one before the text, and cuts before every mark.</summary>
internal sealed class MetaspacePreTokenizer : PreTokenizer
{
    private readonly string _mark;
    private readonly PrependScheme _scheme;
    private readonly bool _split;

    private MetaspacePreTokenizer(Rune mark, PrependScheme scheme, bool split)
    {
        _mark = mark.ToString();
        _scheme = scheme;
        _split = split;
    }

    /// <summary>Where a mark is put before a piece that has none.</summary>
    internal enum PrependScheme
    {
        /// <summary>Before every piece.</summary>
        Always,

        /// <summary>Before the piece that begins the whole text.</summary>
        First,

        /// <summary>Nowhere.</summary>
        Never,
    }

    /// <summary>Reads the object of kind <c>Metaspace</c>.</summary>
    public static new MetaspacePreTokenizer Read(JsonNode? node) =>
        new(node!.Value.Get("replacement").Character(), Scheme(node.Value), node.Value.Flag("split", true));

    /// <summary>Reads <c>prepend_scheme</c>, or the older <c>add_prefix_space</c>.</summary>
    internal static PrependScheme Scheme(JsonNode node)
    {
        if (node.TryGet("prepend_scheme") is not { } scheme)
            return node.Flag("add_prefix_space", true) ? PrependScheme.Always : PrependScheme.Never;
        return scheme.Text() switch
        {
            "always" => PrependScheme.Always,
            "first" => PrependScheme.First,
            "never" => PrependScheme.Never,
            var other => throw scheme.Unsupported($"is '{other}', which is not supported"),
        };
    }

    /// <inheritdoc/>
    public override List<Piece> Apply(List<Piece> pieces)
    {
        var parts = new List<Piece>();
        foreach (var piece in pieces)
            parts.AddRange(Cut(Marked(piece), piece.AtStart));
        return parts;
    }

    /// <inheritdoc/>
    public override IEnumerable<List<Piece>> ApplyInBatches(Piece piece) =>
        Cut(Marked(piece), piece.AtStart).Chunk(BatchSize).Select(batch => batch.ToList());

    private string Marked(Piece piece)
    {
        var text = piece.Span.ToString().Replace(" ", _mark, StringComparison.Ordinal);
        bool prepend = _scheme == PrependScheme.Always || (_scheme == PrependScheme.First && piece.AtStart);
        return prepend && !text.StartsWith(_mark, StringComparison.Ordinal) ? _mark + text : text;
    }

    private IEnumerable<Piece> Cut(string text, bool atStart)
    {
        int start = 0;
        for (int at = _mark.Length; _split && (at = text.IndexOf(_mark, at, StringComparison.Ordinal)) >= 0; at += _mark.Length)
        {
            yield return new Piece(text, start, at - start, atStart && start == 0);
            start = at;
            if (at + _mark.Length > text.Length)
                break;
        }
        yield return new Piece(text, start, text.Length - start, atStart && start == 0);
    }
}
