using System.Text;

namespace SpecDecode.Tokenizers;

/// <summary>
/// One step of decoding, fed token by token. What it has handed to the next stage it never takes back; what later tokens
/// can still change it holds back.
/// </summary>
internal abstract class DecoderStage
{
    /// <summary>Takes text.</summary>
    /// <param name="text">Whole characters.</param>
    /// <param name="begins">Whether a token begins here; otherwise the text goes on with the current token.</param>
    public abstract void Write(ReadOnlySpan<char> text, bool begins);

    /// <summary>Ends the text and gives out what was held back.</summary>
    public abstract void Complete();
}

/// <summary>The end of the chain.</summary>
internal sealed class OutputStage(StringBuilder output) : DecoderStage
{
    public override void Write(ReadOnlySpan<char> text, bool begins) => output.Append(text);

    public override void Complete()
    {
    }
}

/// <summary>Puts a space between tokens.</summary>
internal sealed class JoinStage(DecoderStage next) : DecoderStage
{
    private bool _any;

    public override void Write(ReadOnlySpan<char> text, bool begins)
    {
        if (_any && begins)
            next.Write(" ", begins: false);
        next.Write(text, begins);
        _any = true;
    }

    public override void Complete() => next.Complete();
}

/// <summary>Makes one token of all.</summary>
internal sealed class FuseStage(DecoderStage next) : DecoderStage
{
    private bool _any;

    public override void Write(ReadOnlySpan<char> text, bool begins)
    {
        next.Write(text, !_any);
        _any = true;
    }

    public override void Complete() => next.Complete();
}

/// <summary>Rewrites every token by itself.</summary>
internal sealed class ReplaceStage(DecoderStage next, Func<string, string> rewrite) : DecoderStage
{
    public override void Write(ReadOnlySpan<char> text, bool begins) => next.Write(rewrite(text.ToString()), begins);

    public override void Complete() => next.Complete();
}

/// <summary>Turns marks into spaces; those of the first token vanish if the tokenizer puts one before every text.</summary>
internal sealed class MetaspaceStage(DecoderStage next, string mark, bool prepends) : DecoderStage
{
    private bool _later;

    public override void Write(ReadOnlySpan<char> text, bool begins)
    {
        next.Write(text.ToString().Replace(mark, _later || !prepends ? " " : "", StringComparison.Ordinal), begins);
        _later = true;
    }

    public override void Complete() => next.Complete();
}

/// <summary>Takes up to a number of equal characters from both ends of every token.</summary>
internal sealed class StripStage(DecoderStage next, char content, int start, int stop) : DecoderStage
{
    private int _toStrip;
    private int _held;

    public override void Write(ReadOnlySpan<char> text, bool begins)
    {
        if (begins)
        {
            (_toStrip, _held) = (start, 0);
            next.Write("", begins: true);
        }
        int cut = 0;
        while (cut < text.Length && cut < _toStrip && text[cut] == content)
            cut++;
        _toStrip = cut == text.Length ? _toStrip - cut : 0;
        text = text[cut..];

        int tail = text.Length - text.TrimEnd(content).Length;
        int keep = Math.Min(stop, tail == text.Length ? _held + tail : tail);
        int release = _held + text.Length - keep;
        for (; release > 0 && _held > 0; release--, _held--)
            next.Write([content], begins: false);
        next.Write(text[..release], begins: false);
        _held = keep;
    }

    public override void Complete() => next.Complete();
}
