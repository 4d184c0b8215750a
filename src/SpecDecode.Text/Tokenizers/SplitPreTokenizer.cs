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
        var matches = new List<(int Start, int End)>();
        var matcher = pattern.CreateMatcher();
        foreach (var piece in pieces)
        {
            matches.Clear();
            matcher.FindAll(piece.Span, matches);
            Split(piece, matches, behavior, invert, parts);
        }
        return parts;
    }

    /// <summary>Appends the parts that the matches cut a piece into.</summary>
    internal static void Split(Piece piece, List<(int Start, int End)> matches, SplitBehavior behavior, bool invert, List<Piece> parts)
    {
        // The part that is still open; a stretch either joins it or closes it. Empty matches are stretches too.
        int start = 0, end = 0;
        bool open = false, wasMatch = false;
        int done = 0;
        foreach (var match in matches)
        {
            if (done < match.Start)
                Stretch(done, match.Start, invert);
            Stretch(match.Start, match.End, !invert);
            done = match.End;
        }
        if (done < piece.Length)
            Stretch(done, piece.Length, invert);
        Close();

        void Stretch(int from, int to, bool isMatch)
        {
            bool joins = open && behavior switch
            {
                SplitBehavior.MergedWithPrevious => isMatch && !wasMatch,
                SplitBehavior.MergedWithNext => !isMatch && wasMatch,
                SplitBehavior.Contiguous => isMatch == wasMatch,
                _ => false,
            };
            if (!joins)
            {
                Close();
                start = from;
            }
            open = true;
            end = behavior == SplitBehavior.Removed && isMatch ? start : to;
            wasMatch = isMatch;
        }

        void Close()
        {
            if (start < end)
                parts.Add(piece.Slice(start, end));
            start = end;
        }
    }
}
