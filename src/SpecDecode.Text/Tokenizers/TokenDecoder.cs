using System.Text;
using SpecDecode.Tokenizers.SentencePiece;

namespace SpecDecode.Tokenizers;

/// <summary>
/// The decoder section: how token texts become text. It is a recipe; <see cref="Open"/> makes the chain of
/// <see cref="DecoderStage"/> that one text runs through.
/// </summary>
internal sealed class TokenDecoder
{
    private readonly List<Func<DecoderStage, DecoderStage>> _stages = [];

    // Whether the stages so far hand on one long token in pieces instead of token by token.
    private bool _fused;

    // What a token stands for by itself: bytes in letters, bytes by name, or more than its own text.
    private bool _spellsBytes, _namesBytes, _looksAround;

    private TokenDecoder()
    {
    }

    /// <summary>Reads the object <c>decoder</c>; null means that the token texts are joined with spaces.</summary>
    /// <exception cref="UnsupportedTokenizerException">Its kind is unknown.</exception>
    public static TokenDecoder Read(JsonNode? node)
    {
        var decoder = new TokenDecoder();
        if (node is { } part)
            decoder.Add(part);
        else
        {
            decoder._stages.Add(next => new JoinStage(next));
            decoder._looksAround = true;
        }
        return decoder;
    }

    /// <summary>How SentencePiece decodes: marks are spaces, byte tokens are bytes.</summary>
    /// <param name="start">What becomes of marks at the start of the text.</param>
    public static TokenDecoder ForSentencePiece(LeadingSpace start)
    {
        var decoder = new TokenDecoder();
        decoder._stages.Add(next => new SentencePieceStage(next, start));
        decoder._stages.Add(next => new ByteFallbackStage(next));
        decoder._stages.Add(next => new FuseStage(next));
        decoder._namesBytes = true;
        return decoder;
    }

    /// <summary>Makes a chain that writes to <paramref name="output"/>.</summary>
    public DecoderStage Open(StringBuilder output)
    {
        DecoderStage stage = new OutputStage(output);
        for (int i = _stages.Count - 1; i >= 0; i--)
            stage = _stages[i](stage);
        return stage;
    }

    /// <summary>The bytes of each text as a token in the middle of a text; null where they depend on the tokens around it.</summary>
    /// <param name="texts">The texts of tokens; null for none, which have no bytes.</param>
    public byte[]?[]? BytesOf(IEnumerable<string?> texts)
    {
        if (_looksAround || (_spellsBytes && _stages.Count > 1))
            return null;
        var output = new StringBuilder();
        var chain = Open(output);
        // Behind a token with text, none of the following is the first.
        chain.Write("a", begins: true);
        return [.. texts.Select(text => text is null ? null : BytesOf(text))];

        byte[] BytesOf(string text)
        {
            if (_spellsBytes)
                return ByteLevelStage.Bytes(text);
            if (_namesBytes && ByteFallbackStage.TryParse(text, out byte value))
                return [value];
            output.Clear();
            chain.Write(text, begins: true);
            return Encoding.UTF8.GetBytes(output.ToString());
        }
    }

    private void Add(JsonNode node)
    {
        var type = node.Get("type");
        switch (type.Text())
        {
            case "Sequence":
                foreach (var item in node.Get("decoders").Items())
                    Add(item);
                break;
            case "ByteLevel":
                RequireTokens(type);
                _stages.Add(next => new ByteLevelStage(next));
                _spellsBytes = true;
                _fused = true;
                break;
            case "ByteFallback":
                RequireTokens(type);
                _stages.Add(next => new ByteFallbackStage(next));
                _namesBytes = true;
                break;
            case "Fuse":
                _stages.Add(next => new FuseStage(next));
                _fused = true;
                break;
            case "Strip":
                AddStrip(node);
                break;
            case "Replace":
                AddReplace(node, type);
                break;
            case "Metaspace":
                RequireTokens(type);
                var mark = node.Get("replacement").Character();
                bool prepends = MetaspacePreTokenizer.Scheme(node) != MetaspacePreTokenizer.PrependScheme.Never;
                _stages.Add(next => new MetaspaceStage(next, mark.ToString(), prepends));
                break;
            case "BPEDecoder":
                RequireTokens(type);
                var suffix = node.TryGet("suffix")?.Text() ?? "</w>";
                if (suffix.Length == 0)
                    throw node.Get("suffix").Error("is empty");
                _stages.Add(next => new WordEndStage(next, suffix));
                _looksAround = true;
                break;
            case "WordPiece":
                RequireTokens(type);
                var prefix = node.TryGet("prefix")?.Text() ?? "##";
                bool cleanup = node.Flag("cleanup", true);
                _stages.Add(next => new WordPieceStage(next, prefix, cleanup));
                _looksAround = true;
                break;
            case var other:
                throw type.Unsupported($"is the decoder '{other}', which is not supported");
        }
    }

    private void AddStrip(JsonNode node)
    {
        var content = node.Get("content").Character();
        if (!content.IsBmp)
            throw node.Get("content").Unsupported("is a character beyond U+FFFF");
        int start = node.Get("start").Number(short.MaxValue);
        int stop = node.Get("stop").Number(short.MaxValue);
        _stages.Add(next => new StripStage(next, (char)content.Value, start, stop));
        _looksAround |= stop > 0;
    }

    private void AddReplace(JsonNode node, JsonNode type)
    {
        var pattern = node.Get("pattern");
        var content = node.Get("content").Text();
        if (pattern.TryGet("String") is { } literal)
        {
            var old = literal.Text();
            if (old.Length == 0)
                throw literal.Error("is empty");
            if (old.Length > 1)
                RequireTokens(type);
            _stages.Add(next => new ReplaceStage(next, text => TextRewriting.Replace(text, old, content)));
            return;
        }
        RequireTokens(type);
        var regex = TextPattern.Read(pattern);
        _stages.Add(next => new ReplaceStage(next, text => TextRewriting.Replace(text, regex, content)));
    }

    private void RequireTokens(JsonNode type)
    {
        if (_fused)
            throw type.Unsupported($"is '{type.Text()}' after the tokens have been fused, which is not supported");
    }
}
