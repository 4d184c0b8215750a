namespace SpecDecode.Tokenizers;

/// <summary>Turns words into token ids: the middle of a tokenizer, between the cutting of text and the control tokens. Thread-safe.</summary>
internal abstract class WordModel
{
    /// <summary>Whether each part of a word becomes a token: none is unknown, and so dropped or fused with others.</summary>
    /// <param name="isSpelled">Whether words come as bytes in the <see cref="ByteAlphabet"/>.</param>
    public virtual bool KnowsAll(bool isSpelled) => false;

    /// <summary>Appends the ids of one word.</summary>
    /// <param name="word">Well-formed UTF-16.</param>
    /// <param name="ids">Receives the ids, and not all where they are too many.</param>
    /// <exception cref="SpecDecodeException">A character is unknown, and the tokenizer has no token for that.</exception>
    public abstract void Encode(ReadOnlySpan<char> word, TokenIds ids);
}
