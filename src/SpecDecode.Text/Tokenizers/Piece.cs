namespace SpecDecode.Tokenizers;

/// <summary>A stretch of text on its way to the model.</summary>
/// <param name="Text">The string that holds it.</param>
/// <param name="Start">Where it begins in that string, in UTF-16 units.</param>
/// <param name="Length">Its length in UTF-16 units.</param>
/// <param name="AtStart">Whether it begins where the whole text begins.</param>
internal readonly record struct Piece(string Text, int Start, int Length, bool AtStart)
{
    /// <summary>The characters.</summary>
    public ReadOnlySpan<char> Span => Text.AsSpan(Start, Length);

    /// <summary>A part of this piece.</summary>
    public Piece Slice(int start, int end) => new(Text, Start + start, end - start, AtStart && start == 0);
}
