namespace SpecDecode.Tokenizers;

/// <summary>Turns words into token ids: the middle of a tokenizer, between the cutting of text and the control tokens. Thread-safe.</summary>
internal abstract class WordModel
{
    /// <summary>Appends the ids of one word.</summary>
    /// <param name="word">Well-formed UTF-16.</param>
    /// <param name="ids">Receives the ids.</param>
    /// <exception cref="SpecDecodeException">A character is unknown, and the tokenizer has no token for that.</exception>
    public abstract void Encode(ReadOnlySpan<char> word, List<int> ids);
}
