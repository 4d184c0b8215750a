using System.Text;

namespace SpecDecode.Tokenizers;

/// <summary>Cuts text into GPT-2's words and spells them in the <see cref="ByteAlphabet"/>.</summary>
/// <param name="addPrefixSpace">Whether a piece that does not begin with a space gets one.</param>
/// <param name="useRegex">Whether it cuts; otherwise it only spells.</param>
internal sealed class ByteLevelPreTokenizer(bool addPrefixSpace, bool useRegex) : PreTokenizer
{
    private static readonly SplitPreTokenizer Words = new(TextPattern.Gpt2Words, SplitBehavior.Isolated, invert: false);

    /// <inheritdoc/>
    public override bool SpellsBytes => true;

    /// <inheritdoc/>
    public override List<Piece> Apply(List<Piece> pieces)
    {
        if (addPrefixSpace)
            pieces = pieces.ConvertAll(WithSpace);
        if (useRegex)
            pieces = Words.Apply(pieces);
        return Spell(pieces);
    }

    /// <inheritdoc/>
    public override IEnumerable<List<Piece>> ApplyInBatches(Piece piece)
    {
        piece = addPrefixSpace ? WithSpace(piece) : piece;
        return useRegex ? Words.ApplyInBatches(piece).Select(Spell) : [Spell([piece])];
    }

    private static Piece WithSpace(Piece piece) => piece.Span[0] == ' ' ? piece : new Piece($" {piece.Span}", 0, piece.Length + 1, piece.AtStart);

    private static List<Piece> Spell(List<Piece> pieces)
    {
        var letters = new StringBuilder();
        var bounds = new List<(int Start, bool AtStart)>(pieces.Count);
        Span<char> block = stackalloc char[256];
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var piece in pieces)
        {
            bounds.Add((letters.Length, piece.AtStart));
            int count = 0;
            foreach (var rune in piece.Span.EnumerateRunes())
            {
                int length = rune.EncodeToUtf8(utf8);
                if (count + length > block.Length)
                {
                    letters.Append(block[..count]);
                    count = 0;
                }
                foreach (byte b in utf8[..length])
                    block[count++] = ByteAlphabet.LetterOf(b);
            }
            letters.Append(block[..count]);
        }

        var text = letters.ToString();
        var spelled = new List<Piece>(pieces.Count);
        for (int i = 0; i < bounds.Count; i++)
        {
            int end = i + 1 < bounds.Count ? bounds[i + 1].Start : text.Length;
            spelled.Add(new Piece(text, bounds[i].Start, end - bounds[i].Start, bounds[i].AtStart));
        }
        return spelled;
    }
}
