using System.Text;

namespace SpecDecode.Replies;

/// <summary>Replies that are text with calls and reasoning between markers, or, of Llama 3, a call that is the whole text.</summary>
internal sealed class MarkedReply : IReplyReader
{
    // White space that is held back until it is known what follows it.
    private const int MaxSpace = 1024;

    // How often a call that is none is looked through for others.
    private const int MaxRetries = 16;

    private const string Arguments = "[ARGS]";
    private const string CallId = "[CALL_ID]";

    private static readonly Markers MistralWords = new(Arguments, CallId);

    private readonly List<ReplyPart> _parts;
    private readonly IReadOnlyCollection<string> _tools;
    private readonly BareCall? _bare;
    private readonly ToolCallSyntax _syntax;
    private readonly Markers _reasoning;
    private readonly Markers _reasoningEnd;
    private readonly Markers _openers;
    private readonly Markers _closers;

    // What is text where the call that has begun is none: what stands before its JSON, and the JSON.
    private readonly StringBuilder _before = new();
    private readonly StringBuilder _json = new();
    private readonly StringBuilder _name = new();
    private JsonEnd _end;

    private State _state;
    private string _pending = "";
    private bool _readsCalls;
    private bool _mayReason;
    private bool _isAfterCall;
    private bool _dropsSpace;
    private bool _hasReasoned;
    private bool _isBare;
    private int _calls;
    private int _retries;

    public MarkedReply(List<ReplyPart> parts, ReplyFormat format, IReadOnlyCollection<string> tools, bool beginsInReasoning)
    {
        _parts = parts;
        _tools = tools;
        _syntax = format.ToolCalls;
        _bare = _syntax == ToolCallSyntax.Llama3 ? new BareCall(tools) : null;
        _readsCalls = tools.Count > 0 && _syntax != ToolCallSyntax.None;
        _mayReason = format.ReasoningOpen is not null;
        _reasoning = _mayReason ? new Markers(format.ReasoningOpen!) : Markers.None;
        _reasoningEnd = _mayReason ? new Markers(format.ReasoningClose!) : Markers.None;
        _openers = !_readsCalls ? Markers.None : _syntax switch
        {
            ToolCallSyntax.Hermes => new Markers("<tool_call>"),
            ToolCallSyntax.Llama3 => new Markers("<|python_tag|>"),
            ToolCallSyntax.Mistral => new Markers("[TOOL_CALLS]"),
            ToolCallSyntax.Phi4 => new Markers("<|tool_call|>", "functools["),
            _ => Markers.None,
        };
        _closers = _syntax switch
        {
            ToolCallSyntax.Hermes => new Markers("</tool_call>"),
            ToolCallSyntax.Llama3 => new Markers(";"),
            ToolCallSyntax.Phi4 => new Markers("<|/tool_call|>"),
            _ => Markers.None,
        };
        _state = beginsInReasoning && _mayReason ? State.Reasoning : _readsCalls || _mayReason ? State.Lead : State.Text;
    }

    private enum State
    {
        /// <summary>Where a call or reasoning may begin with the next word: at the beginning, behind reasoning, behind a call.</summary>
        Lead,
        Text,
        Reasoning,

        /// <summary>Behind a call's marker.</summary>
        Opened,

        /// <summary>In a call's name, of Mistral's newer models.</summary>
        Name,

        /// <summary>In a call's number, of the same.</summary>
        Number,
        Json,
    }

    /// <inheritdoc/>
    public bool IsReasoning => _state == State.Reasoning;

    /// <inheritdoc/>
    public void Append(string text)
    {
        _pending += text;
        while (Step())
        {
        }
    }

    /// <inheritdoc/>
    public void Complete()
    {
        // What is open is no call: look on behind its marker.
        while (_state is State.Opened or State.Name or State.Number or State.Json)
        {
            Refuse();
            Append("");
        }

        switch (_state)
        {
            case State.Reasoning:
                EmitReasoning(_pending.AsSpan().TrimEnd());
                break;
            case State.Lead when (_dropsSpace || _isAfterCall) && string.IsNullOrWhiteSpace(_pending):
                break;
            default:
                Emit(_pending);
                break;
        }

        _pending = "";
    }

    // One piece of what is pending, and whether there may be another.
    private bool Step() => _state switch
    {
        State.Lead => Lead(),
        State.Text => Text(),
        State.Reasoning => Reason(),
        State.Opened => Open(),
        State.Name or State.Number => Name(),
        _ => Json(),
    };

    private bool Lead()
    {
        _pending = _dropsSpace ? _pending.TrimStart() : _pending;
        ReadOnlySpan<char> rest = _pending.AsSpan().TrimStart();
        int space = _pending.Length - rest.Length;
        if (space > MaxSpace)
        {
            (_state, _mayReason) = (State.Text, false);
            return true;
        }

        if (rest.IsEmpty)
        {
            return false;
        }

        string? marker = null;
        if (_mayReason && _reasoning.BeginsWith(rest, out marker))
        {
            (_state, _mayReason) = (State.Reasoning, false);
            _pending = rest[marker!.Length..].ToString();
            return true;
        }

        if (_isAfterCall && _closers.BeginsWith(rest, out marker))
        {
            _pending = rest[marker!.Length..].ToString();
            return true;
        }

        bool isBare = _readsCalls && _bare is not null && rest[0] == '{';
        if (isBare || _openers.BeginsWith(rest, out marker))
        {
            Begin(_pending[..space], isBare ? "" : marker!, rest.ToString());
            return true;
        }

        if ((_mayReason && _reasoning.MayBegin(rest)) || (_isAfterCall && _closers.MayBegin(rest)) || _openers.MayBegin(rest))
        {
            return false;
        }

        (_state, _mayReason) = (State.Text, false);
        return true;
    }

    private bool Text()
    {
        string? marker = null;
        int at = _readsCalls ? _openers.Find(_pending, out marker) : _pending.Length;
        Emit(_pending.AsSpan(0, at));
        _pending = _pending[at..];
        if (marker is null)
        {
            return false;
        }

        Begin("", marker, _pending);
        return true;
    }

    private bool Reason()
    {
        if (!_hasReasoned)
        {
            _pending = _pending.TrimStart();
        }

        int at = _reasoningEnd.Find(_pending, out string? marker);
        ReadOnlySpan<char> text = _pending.AsSpan(0, at).TrimEnd();
        text = _pending.AsSpan(0, Math.Max(text.Length, at - MaxSpace));
        EmitReasoning(text);
        _pending = marker is null ? _pending[text.Length..] : _pending[(at + marker.Length)..];
        if (marker is null)
        {
            return false;
        }

        (_state, _mayReason, _dropsSpace) = (State.Lead, false, true);
        return true;
    }

    private void Begin(string space, string marker, string rest)
    {
        _state = State.Opened;
        _mayReason = false;
        _isBare = marker.Length == 0;
        _name.Clear();
        _json.Clear();
        _end = new JsonEnd();

        // The bracket of a marker that ends in one is the JSON's first.
        int length = marker.Length > 0 && marker[^1] == '[' ? marker.Length - 1 : marker.Length;
        _before.Clear().Append(space).Append(marker, 0, length);
        _pending = rest[length..];
    }

    private bool Open()
    {
        ReadOnlySpan<char> rest = _pending.AsSpan().TrimStart();
        if (_before.Length + _pending.Length - rest.Length > MaxSpace)
        {
            // Long stretches of nothing are no beginning of a call.
            return Refuse();
        }

        if (rest.IsEmpty)
        {
            return false;
        }

        _before.Append(_pending, 0, _pending.Length - rest.Length);
        _pending = rest.ToString();
        if (_pending[0] == '{' || (_pending[0] == '[' && _name.Length == 0))
        {
            _state = State.Json;
            return true;
        }

        if (_syntax == ToolCallSyntax.Mistral && _name.Length == 0 && IsOfName(_pending[0]))
        {
            _state = State.Name;
            return true;
        }

        return Refuse();
    }

    private bool Name()
    {
        int length = 0;
        while (length < _pending.Length && IsOfName(_pending[length]))
        {
            length++;
        }

        if (_state == State.Name)
        {
            _name.Append(_pending, 0, length);
        }

        _before.Append(_pending, 0, length);
        _pending = _pending[length..];
        if (_before.Length > ToolCall.MaxNameLength + MaxSpace)
        {
            return Refuse();
        }

        if (_pending.Length == 0 || MistralWords.MayBegin(_pending))
        {
            return false;
        }

        if (MistralWords.BeginsWith(_pending, out string? word))
        {
            _before.Append(word);
            _pending = _pending[word!.Length..];
            _state = word == CallId ? State.Number : State.Opened;
            return true;
        }

        _state = State.Opened;
        return char.IsWhiteSpace(_pending[0]) || _pending[0] == '{' || Refuse();
    }

    private bool Json()
    {
        int end = _end.Feed(_pending);
        int length = end < 0 ? _pending.Length : end;
        _json.Append(_pending, 0, length);
        _pending = _pending[length..];
        if (_json.Length > ReplyParser.MaxCallLength)
        {
            _readsCalls = false;
            _state = State.Text;
            Emit(_before.ToString());
            Emit(_json.ToString());
            return true;
        }

        return end >= 0 && (Read() || Refuse());
    }

    // The call whose JSON is whole.
    private bool Read()
    {
        List<ToolCall> calls = [];
        bool isCall = _name.Length == 0 ? ToolCallReader.TryRead(_json.ToString().AsMemory(), calls)
            : ToolCallReader.IsName(_name.ToString()) && ToolCallReader.TryReadArguments(_json.ToString(), out string? arguments)
                && Add(calls, new ToolCall { Name = _name.ToString(), Arguments = arguments });

        // JSON alone may be an answer; what calls a tool that there is, is a call.
        if (!isCall || (_isBare && _bare!.Judge(Encoding.UTF8.GetBytes(_json.ToString())) != true) || _calls + calls.Count > ReplyParser.MaxCalls
            || (_syntax == ToolCallSyntax.Llama3 && !calls.TrueForAll(call => _tools.Contains(call.Name))))
        {
            return false;
        }

        _calls += calls.Count;
        _parts.AddRange(calls.Select(ReplyPart.OfCall));
        (_state, _isAfterCall, _dropsSpace) = (State.Lead, true, false);
        return true;
    }

    // What has begun is no call: its marker is text, and the rest is looked through for others.
    private bool Refuse()
    {
        Emit(_before.ToString());
        _before.Clear();
        _state = State.Text;
        if (_json.Length > 0 && ++_retries > MaxRetries)
        {
            Emit(_json.ToString());
            _json.Clear();
        }

        _pending = _json + _pending;
        _json.Clear();
        return true;
    }

    private void Emit(ReadOnlySpan<char> text)
    {
        if (!text.IsEmpty)
        {
            _parts.Add(ReplyPart.OfText(text.ToString()));
        }
    }

    private void EmitReasoning(ReadOnlySpan<char> text)
    {
        if (!text.IsEmpty)
        {
            _hasReasoned = true;
            _parts.Add(ReplyPart.OfReasoning(text.ToString()));
        }
    }

    private static bool Add(List<ToolCall> calls, ToolCall call)
    {
        calls.Add(call);
        return true;
    }

    private static bool IsOfName(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.';
}
