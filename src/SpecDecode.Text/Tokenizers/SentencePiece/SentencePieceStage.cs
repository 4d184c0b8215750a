namespace SpecDecode.Tokenizers.SentencePiece;

/// <summary>What becomes of marks at the start of a decoded text.</summary>
internal enum LeadingSpace
{
    /// <summary>They are spaces, as elsewhere.</summary>
    None,

    /// <summary>The first one vanishes: the model puts one before every text.</summary>
    One,

    /// <summary>The first one of every token vanishes as long as there is no text: the model removes spaces.</summary>
    All,
}

/// <summary>Turns the marks of pieces into spaces.</summary>
internal sealed class SentencePieceStage(DecoderStage next, LeadingSpace start) : DecoderStage
{
    private bool _strips = start != LeadingSpace.None;

    public override void Write(ReadOnlySpan<char> text, bool begins)
    {
        if (_strips && text.StartsWith(SentencePieceReader.Mark))
        {
            text = text[SentencePieceReader.Mark.Length..];
            _strips = text.IsEmpty && start == LeadingSpace.All;
        }
        else if (!text.IsEmpty)
        {
            _strips = false;
        }
        next.Write(text.ToString().Replace(SentencePieceReader.Mark, " ", StringComparison.Ordinal), begins);
    }

    public override void Complete() => next.Complete();
}
