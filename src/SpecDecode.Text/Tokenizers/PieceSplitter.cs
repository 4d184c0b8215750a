namespace SpecDecode.Tokenizers;

/// <summary>Makes the parts that matches cut a piece into.</summary>
/// <param name="piece">The piece.</param>
/// <param name="behavior">What becomes of the matches.</param>
/// <param name="invert">Whether the stretches between the matches count as the matches instead.</param>
internal struct PieceSplitter(Piece piece, SplitBehavior behavior, bool invert)
{
    // The part that is still open; a stretch either joins it or closes it. Empty matches are stretches too.
    private int _start, _end;
    private bool _open, _wasMatch;
    private int _done;

    /// <summary>Takes the next match, and appends the parts that end with it.</summary>
    public void Take(int start, int end, List<Piece> parts)
    {
        if (_done < start)
            Stretch(_done, start, invert, parts);
        Stretch(start, end, !invert, parts);
        _done = end;
    }

    /// <summary>Appends the parts behind the last match.</summary>
    public void Complete(List<Piece> parts)
    {
        if (_done < piece.Length)
            Stretch(_done, piece.Length, invert, parts);
        Close(parts);
    }

    private void Stretch(int from, int to, bool isMatch, List<Piece> parts)
    {
        bool joins = _open && behavior switch
        {
            SplitBehavior.MergedWithPrevious => isMatch && !_wasMatch,
            SplitBehavior.MergedWithNext => !isMatch && _wasMatch,
            SplitBehavior.Contiguous => isMatch == _wasMatch,
            _ => false,
        };
        if (!joins)
        {
            Close(parts);
            _start = from;
        }
        _open = true;
        _end = behavior == SplitBehavior.Removed && isMatch ? _start : to;
        _wasMatch = isMatch;
    }

    private void Close(List<Piece> parts)
    {
        if (_start < _end)
            parts.Add(piece.Slice(_start, _end));
        _start = _end;
    }
}
