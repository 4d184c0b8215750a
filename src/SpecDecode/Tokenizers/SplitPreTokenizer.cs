namespace SpecDecode.Tokenizers;

/// <summary>Cuts pieces where a pattern matches.</summary>
/// <param name="pattern">The pattern.</param>
/// <param name="behavior">What becomes of the matches.</param>
/// <param name="invert">Whether the stretches between the matches count as the matches instead.</param>
internal sealed class SplitPreTokenizer(CodePointRegex pattern, SplitBehavior behavior, bool invert) : PreTokenizer
{
    /// <inheritdoc/>
    public override List<Piece> Apply(List<Piece> pieces)
    {
        var parts = new List<Piece>();
        var matches = new List<(int Start, int End)>();
        foreach (var piece in pieces)
        {
            matches.Clear();
            pattern.FindAll(piece.Span, matches);
            Split(piece, matches, behavior, invert, parts);
        }
        return parts;
    }

    /// <summary>Appends the parts that the matches cut a piece into.</summary>
    internal static void Split(Piece piece, List<(int Start, int End)> matches, SplitBehavior behavior, bool invert, List<Piece> parts)
    {
        // The part that is still open; a stretch either joins it or closes it.
        int start = 0, end = 0;
        bool wasMatch = false;
        int done = 0;
        foreach (var match in matches)
        {
            if (done < match.Start)
                Stretch(done, match.Start, invert);
            if (match.Start < match.End)
                Stretch(match.Start, match.End, !invert);
            done = match.End;
        }
        if (done < piece.Length)
            Stretch(done, piece.Length, invert);
        Close();

        void Stretch(int from, int to, bool isMatch)
        {
            bool joins = behavior switch
            {
                SplitBehavior.MergedWithPrevious => isMatch && !wasMatch,
                SplitBehavior.MergedWithNext => !isMatch && wasMatch,
                SplitBehavior.Contiguous => isMatch == wasMatch,
                _ => false,
            };
            if (!joins || start == end)
            {
                Close();
                start = from;
            }
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
