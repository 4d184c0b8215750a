using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace SpecDecode.Tokenizers;

/// <summary>
/// Turns ids into text as they come. A piece that was given out never changes; bytes of a character that is not complete
/// are held back. The pieces and the text of <see cref="Flush"/> together are what
/// <see cref="TextTokenizer.Decode"/> of context and ids has after the text that the context alone has completed.
/// </summary>
/// <remarks>The work per token is constant, however long the text is. Not thread-safe: one stream per text.</remarks>
[SuppressMessage("Naming", "CA1711", Justification = "A stream of tokens in and text out, which no other word says as well.")]
public sealed class TokenTextStream
{
    private readonly TextTokenizer _tokenizer;
    private readonly bool _skipSpecialTokens;
    private readonly StringBuilder _output = new();
    private readonly DecoderStage _first;
    private char[] _units = [];
    private bool _flushed;

    internal TokenTextStream(TextTokenizer tokenizer, TokenDecoder decoder, ReadOnlySpan<int> context, bool skipSpecialTokens)
    {
        _tokenizer = tokenizer;
        _skipSpecialTokens = skipSpecialTokens;
        _first = decoder.Open(_output);
        foreach (int id in context)
            Write(id);
        _output.Clear();
    }

    /// <summary>Takes the next token.</summary>
    /// <param name="id">The id; one that no token has adds nothing.</param>
    /// <returns>The text that this token completes, in whole characters; often empty for bytes and special tokens.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The id is negative.</exception>
    /// <exception cref="InvalidOperationException">The stream has been flushed.</exception>
    public string Append(int id)
    {
        if (_flushed)
            throw new InvalidOperationException("The stream has been flushed. Create another one for more text.");
        Write(id);
        return Take();
    }

    /// <summary>What <see cref="Append"/> does, without a string: valid until the next call.</summary>
    internal ReadOnlySpan<char> AppendUnits(int id)
    {
        Write(id);
        var length = _output.Length;
        if (_units.Length < length)
            _units = new char[2 * length];
        _output.CopyTo(0, _units, length);
        _output.Clear();
        return _units.AsSpan(0, length);
    }

    /// <summary>Ends the text.</summary>
    /// <returns>What was held back, incomplete characters as U+FFFD; empty on a second call.</returns>
    public string Flush()
    {
        if (!_flushed)
            _first.Complete();
        _flushed = true;
        return Take();
    }

    internal void Write(int id)
    {
        var text = _tokenizer.TextOf(id, out bool special);
        if (text is not null && (!special || !_skipSpecialTokens))
            _first.Write(text, begins: true);
    }

    private string Take()
    {
        var text = _output.ToString();
        _output.Clear();
        return text;
    }
}
