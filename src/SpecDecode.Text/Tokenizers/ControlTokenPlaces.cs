using SpecDecode.Checkpoints;

namespace SpecDecode.Tokenizers;

/// <summary>Says where in a marked text control tokens are to be found; elsewhere their texts are text.</summary>
/// <param name="text">The text.</param>
/// <param name="marks">The characters that mark places of it.</param>
/// <param name="composers">Words that control tokens are composed of, such as the roles of a conversation.</param>
internal sealed class ControlTokenPlaces(MarkedText text, TextMarks marks, IReadOnlyCollection<string> composers)
{
    /// <summary>The text.</summary>
    public MarkedText Text => text;

    /// <summary>The characters that mark places of it.</summary>
    public TextMarks Marks => marks;

    /// <summary>Whether a token is one at a place of the text as given.</summary>
    /// <exception cref="SpecDecodeException">A control token came together of pieces, and nobody can say whose they are.</exception>
    public bool Allows(AddedToken token, int start, int end)
    {
        if (text.IsBrokenWithin(start, end))
            return false;
        if (!token.Special || text.IsWritten(start))
            return true;

        // A token of one character has no inside.
        if (end - start <= 2 && text.IsBroken(start))
            return false;
        return composers.Any(word => token.Content.Contains(word, StringComparison.Ordinal)) ? true
            : throw new SpecDecodeException(
                $"The chat template puts the control token '{CheckpointText.Shorten(token.Content)}' together of pieces, so that it cannot be told from what others wrote. "
                + "Render the conversation and encode it yourself, or write the token as one text in the template.");
    }

    /// <summary>The places in a stretch that a normalizer has rewritten; null where the marks did not outlast that.</summary>
    public NormalizedPlaces? Normalize(int start, int end, string normalized, Func<string, string> normalize)
    {
        var result = MarkedText.Read(normalize(text.Marked(start, end)), marks);
        return result.Plain == normalized ? new(result) : null;
    }

    /// <summary>The same for a text that a normalizer has rewritten. What it makes a control token of text stays text.</summary>
    internal sealed class NormalizedPlaces(MarkedText text)
    {
        /// <summary>Whether a token is one at a place of the normalized text.</summary>
        public bool Allows(AddedToken token, int start, int end) =>
            !text.IsBrokenWithin(start, end) && (!token.Special || text.IsWrittenWithin(start, end));
    }
}
