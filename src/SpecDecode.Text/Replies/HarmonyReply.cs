using System.Text;

namespace SpecDecode.Replies;

/// <summary>
/// Replies of gpt-oss: <c>&lt;|channel|&gt;analysis&lt;|message|&gt;…&lt;|end|&gt;&lt;|start|&gt;assistant&lt;|channel|&gt;final&lt;|message|&gt;…</c>, whose prompt ends
/// behind <c>&lt;|start|&gt;assistant</c>.
/// </summary>
/// <param name="parts">Receives what is found.</param>
/// <param name="hasTools">Whether tools were offered.</param>
internal sealed class HarmonyReply(List<ReplyPart> parts, bool hasTools) : IReplyReader
{
    /// <summary>The longest header, in UTF-16 units; what is longer is text.</summary>
    public const int MaxHeader = 1024;

    private const string Start = "<|start|>";
    private const string Channel = "<|channel|>";
    private const string Message = "<|message|>";
    private const string Recipient = "to=";
    private const string Functions = "functions.";

    private static readonly Markers InHeader = new(Message);
    private static readonly Markers InBody = new(Start, Channel, Message, "<|end|>", "<|return|>", "<|call|>");

    private readonly StringBuilder _header = new();
    private readonly StringBuilder _call = new();
    private string _pending = "";
    private bool _isBody;
    private bool _hasMessage;
    private ReplyPartKind _kind;
    private string _tool = "";
    private int _calls;

    /// <summary>Everything that means something.</summary>
    public static string[] AllMarkers => [Start, Channel, Message, "<|end|>", "<|return|>", "<|call|>", "<|constrain|>"];

    /// <inheritdoc/>
    public bool IsReasoning => _isBody && _kind == ReplyPartKind.Reasoning;

    /// <inheritdoc/>
    public void Append(string text)
    {
        _pending += text;
        while (_isBody ? ReadBody() : ReadHeader())
        {
        }
    }

    /// <inheritdoc/>
    public void Complete()
    {
        if (_isBody)
        {
            Add(_pending);
            EndBody();
        }
        else if (!_hasMessage)
        {
            // Without any marker it is a text.
            Emit(ReplyPartKind.Text, _header + _pending);
        }

        _pending = "";
    }

    private bool ReadHeader()
    {
        int at = InHeader.Find(_pending, out string? marker);
        _header.Append(_pending, 0, at);
        _pending = _pending[at..];
        if (_header.Length > MaxHeader)
        {
            // No header is as long as that.
            string text = _header.ToString();
            (_isBody, _kind) = (true, ReplyPartKind.Text);
            _header.Clear();
            _pending = text[MaxHeader..] + _pending;
            Emit(ReplyPartKind.Text, text[..MaxHeader]);
            return true;
        }

        if (marker is null)
        {
            return false;
        }

        _pending = _pending[marker.Length..];
        BeginBody(_header.ToString());
        return true;
    }

    private void BeginBody(string header)
    {
        string channel = After(header, Channel);
        string recipient = After(header, Recipient);
        _tool = hasTools && recipient.StartsWith(Functions, StringComparison.Ordinal) && ToolCallReader.IsName(recipient[Functions.Length..]) && _calls < ReplyParser.MaxCalls
            ? recipient[Functions.Length..] : "";
        _kind = _tool.Length > 0 ? ReplyPartKind.ToolCall : channel == "analysis" ? ReplyPartKind.Reasoning : ReplyPartKind.Text;
        (_isBody, _hasMessage) = (true, true);
        _header.Clear();
        _call.Clear();
    }

    private bool ReadBody()
    {
        int at = InBody.Find(_pending, out string? marker);
        Add(_pending[..at]);
        _pending = _pending[at..];
        if (marker is null)
        {
            return false;
        }

        EndBody();
        _isBody = false;
        _pending = _pending[marker.Length..];

        // A channel's name belongs to the header that it begins.
        _header.Append(marker == Channel ? marker : "");
        return true;
    }

    private void Add(string text)
    {
        if (_kind != ReplyPartKind.ToolCall)
        {
            Emit(_kind, text);
            return;
        }

        _call.Append(text);
        if (_call.Length > ReplyParser.MaxCallLength)
        {
            _kind = ReplyPartKind.Text;
            Emit(_kind, _call.ToString());
            _call.Clear();
        }
    }

    private void EndBody()
    {
        if (_kind == ReplyPartKind.ToolCall)
        {
            if (ToolCallReader.TryReadArguments(_call.ToString(), out string? arguments))
            {
                _calls++;
                parts.Add(ReplyPart.OfCall(new ToolCall { Name = _tool, Arguments = arguments }));
            }
            else
            {
                Emit(ReplyPartKind.Text, _call.ToString());
            }
        }

        _kind = ReplyPartKind.Text;
    }

    private void Emit(ReplyPartKind kind, string text)
    {
        if (text.Length > 0)
        {
            parts.Add(kind == ReplyPartKind.Reasoning ? ReplyPart.OfReasoning(text) : ReplyPart.OfText(text));
        }
    }

    // The word behind a mark.
    private static string After(string header, string mark)
    {
        int at = header.IndexOf(mark, StringComparison.Ordinal);
        if (at < 0)
        {
            return "";
        }

        ReadOnlySpan<char> rest = header.AsSpan(at + mark.Length);
        int end = rest.IndexOfAny(" \t\r\n<");
        return (end < 0 ? rest : rest[..end]).ToString();
    }
}
