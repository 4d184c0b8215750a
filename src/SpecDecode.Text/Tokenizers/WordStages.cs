namespace SpecDecode.Tokenizers;

/// <summary>Turns the marks that end words into spaces; those of the last token vanish.</summary>
internal sealed class WordEndStage(DecoderStage next, string suffix) : DecoderStage
{
    // What is left of the last token from its first mark on.
    private string _held = "";

    public override void Write(ReadOnlySpan<char> text, bool begins)
    {
        Release(" ");
        int mark = text.IndexOf(suffix, StringComparison.Ordinal);
        next.Write(mark < 0 ? text : text[..mark], begins);
        _held = mark < 0 ? "" : text[mark..].ToString();
    }

    public override void Complete()
    {
        Release("");
        next.Complete();
    }

    private void Release(string space)
    {
        if (_held.Length > 0)
            next.Write(_held.Replace(suffix, space, StringComparison.Ordinal), begins: false);
        _held = "";
    }
}

/// <summary>Puts a space before every token but the first, unless it is marked as going on; may undo spaces of a tokenized text.</summary>
internal sealed class WordPieceStage(DecoderStage next, string prefix, bool cleanup) : DecoderStage
{
    private static readonly (string From, string To)[] Spacings =
    [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"),
        (" 've", "'ve"), (" 're", "'re"),
    ];

    private bool _any;

    public override void Write(ReadOnlySpan<char> text, bool begins)
    {
        var token = text.ToString();
        if (_any)
            token = token.StartsWith(prefix, StringComparison.Ordinal) ? token[prefix.Length..] : " " + token;
        foreach (var (from, to) in cleanup ? Spacings : [])
            token = token.Replace(from, to, StringComparison.Ordinal);
        next.Write(token, begins);
        _any = true;
    }

    public override void Complete() => next.Complete();
}
