namespace SpecDecode.Replies;

/// <summary>
/// Tells text, reasoning and tool calls in a reply apart while it comes, in pieces cut anywhere. How it was cut changes nothing about
/// what comes out, but for where pieces of text end.
/// </summary>
/// <remarks>
/// Nothing of a reply is lost: what looks like a call and is none (broken JSON, no name, arguments that are no object) is text. A piece of text that
/// was given out never changes; what may become a marker or a call is held back. Not thread-safe: one parser for a reply.
/// </remarks>
public sealed class ReplyParser
{
    /// <summary>The longest call, in UTF-16 units; what is longer is text, and so is all that follows it.</summary>
    public const int MaxCallLength = 1 << 20;

    /// <summary>Most calls of a reply; what looks like more is text.</summary>
    public const int MaxCalls = 128;

    private readonly ReplyFormat _format;
    private readonly List<ReplyPart> _parts = [];
    private readonly IReplyReader _reader;
    private bool _isComplete;

    internal ReplyParser(ReplyFormat format, IReadOnlyCollection<string> tools, bool beginsInReasoning)
    {
        _format = format;
        _reader = format.ToolCalls == ToolCallSyntax.Harmony
            ? new HarmonyReply(_parts, tools.Count > 0)
            : new MarkedReply(_parts, format, tools, beginsInReasoning);
    }

    internal ReplyParser(ReplyFormat format) => (_format, _reader) = (format, new PlainCallReply(_parts));

    /// <summary>Whether a call was found.</summary>
    public bool HasCalls { get; private set; }

    /// <summary>Whether what comes next is reasoning, as far as can be told.</summary>
    public bool IsReasoning => _reader.IsReasoning;

    /// <summary>Takes the next piece.</summary>
    /// <param name="text">The piece, which may be empty.</param>
    /// <param name="token">The token that it came with: where it is a control token that stands for a marker, this counts as its text, behind the piece.</param>
    /// <returns>What is certain now.</returns>
    /// <exception cref="InvalidOperationException">The reply is complete.</exception>
    public IReadOnlyList<ReplyPart> Append(string text, int? token = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (_isComplete)
        {
            throw new InvalidOperationException("The reply is complete. Create another parser for another one.");
        }

        _parts.Clear();
        string? marker = token is { } id ? _format.MarkerOf(id) : null;
        if (text.Length > 0 || marker is not null)
        {
            _reader.Append(text + marker);
        }

        return Take();
    }

    /// <summary>Ends the reply.</summary>
    /// <returns>What was held back; nothing on a second call.</returns>
    public IReadOnlyList<ReplyPart> Complete()
    {
        _parts.Clear();
        if (!_isComplete)
        {
            _isComplete = true;
            _reader.Complete();
        }

        return Take();
    }

    // Pieces of one kind in a row are one.
    private ReplyPart[] Take()
    {
        List<ReplyPart> taken = [];
        foreach (ReplyPart part in _parts)
        {
            HasCalls |= part.Call is not null;
            if (part.Call is null && taken.Count > 0 && taken[^1] is var last && last.Kind == part.Kind)
            {
                taken[^1] = part.Kind == ReplyPartKind.Text ? ReplyPart.OfText(last.Text + part.Text) : ReplyPart.OfReasoning(last.Text + part.Text);
            }
            else
            {
                taken.Add(part);
            }
        }

        return [.. taken];
    }
}
