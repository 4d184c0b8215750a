namespace SpecDecode.Evaluation;

/// <summary>
/// Real drafting without running it: where it is known of every position how far a draft from there would be right, the rounds of a text
/// follow, since each begins where the one before it ended.
/// </summary>
internal sealed class DraftReplay
{
    private readonly int _length;
    private readonly IReadOnlyList<WrittenText> _texts;
    private readonly byte[][] _agreed;

    /// <summary>Nothing is known yet.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="length">Tokens of the drafts that were judged; at most 255 of them are told apart.</param>
    public DraftReplay(IReadOnlyList<WrittenText> texts, int length)
    {
        _texts = texts;
        _length = length;
        _agreed = [.. texts.Select(text => new byte[text.LastStart - text.FirstStart + 1])];
    }

    /// <summary>Notes how far the draft that begins at a position is right.</summary>
    public void Note(int text, int first, int agreed) => _agreed[text][first - _texts[text].FirstStart] = (byte)Math.Min(agreed, byte.MaxValue);

    /// <summary>Goes through all texts with drafts of one length.</summary>
    /// <param name="draftLength">Tokens of a draft: 1 to what was judged.</param>
    /// <returns>Rounds with a draft, and what was accepted in them.</returns>
    /// <remarks>As in the engine a draft leaves room for one token behind it, so the last token of a text is never drafted.</remarks>
    public AgreementTally Run(int draftLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(draftLength, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(draftLength, _length);
        AgreementTally tally = new(draftLength);
        for (int text = 0; text < _texts.Count; text++)
        {
            WrittenText written = _texts[text];
            for (int first = written.FirstStart; first < written.LastStart;)
            {
                int drafted = Math.Min(draftLength, written.LastStart - first);
                int agreed = Math.Min(drafted, _agreed[text][first - written.FirstStart]);
                tally.Add(agreed, drafted);
                first += agreed + 1;
            }
        }

        return tally;
    }
}
