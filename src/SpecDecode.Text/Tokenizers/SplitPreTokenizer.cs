namespace SpecDecode.Tokenizers;

/// <summary>Cuts pieces where a pattern matches.</summary>
/// <param name="pattern">The pattern.</param>
/// <param name="behavior">What becomes of the matches.</param>
/// <param name="invert">Whether the stretches between the matches count as the matches instead.</param>
internal sealed class SplitPreTokenizer(TextPattern pattern, SplitBehavior behavior, bool invert) : PreTokenizer
{
    /// <inheritdoc/>
    public override bool KeepsText => behavior != SplitBehavior.Removed;

    /// <inheritdoc/>
    public override List<Piece> Apply(List<Piece> pieces)
    {
        var parts = new List<Piece>();
        var matcher = pattern.CreateMatcher();
        foreach (var piece in pieces)
        {
            var splitter = new PieceSplitter(piece, behavior, invert);
            matcher.Begin(piece.Span);
            while (matcher.FindNext(out var match))
                splitter.Take(match.Start, match.End, parts);
            splitter.Complete(parts);
        }
        return parts;
    }

    /// <inheritdoc/>
    public override IEnumerable<List<Piece>> ApplyInBatches(Piece piece)
    {
        var parts = new List<Piece>();
        var matcher = pattern.CreateMatcher();
        var splitter = new PieceSplitter(piece, behavior, invert);
        matcher.Begin(piece.Span);
        while (matcher.FindNext(out var match))
        {
            splitter.Take(match.Start, match.End, parts);
            if (parts.Count >= BatchSize)
            {
                yield return parts;
                parts = [];
            }
        }
        splitter.Complete(parts);
        yield return parts;
    }
}
