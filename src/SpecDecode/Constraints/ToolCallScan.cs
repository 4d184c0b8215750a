using System.Text;
using SpecDecode.Grammars.Automata;
using SpecDecode.Replies;

namespace SpecDecode.Constraints;

/// <summary>Where a reply stands that is read for calls.</summary>
internal enum ReplyPhase : byte
{
    /// <summary>In text.</summary>
    Free,

    /// <summary>Where a call without a marker may begin.</summary>
    Lead,

    /// <summary>The same behind a call.</summary>
    Next,

    /// <summary>In an object of which it is not known whether it is a call.</summary>
    Bare,

    /// <summary>Before a message of gpt-oss.</summary>
    Header,
    Reasoning,

    /// <summary>In the marker that the text has to begin with.</summary>
    Opening,

    /// <summary>Behind what could not come.</summary>
    Broken,

    /// <summary>Behind a call's marker, where there may be white space. From here on not every token may come.</summary>
    Opened,

    /// <summary>In a call.</summary>
    Call,

    /// <summary>Behind the last call.</summary>
    Ended,
}

/// <summary>A place in a reply.</summary>
/// <param name="Phase">What stands there.</param>
/// <param name="Call">The state of the call's grammar, in a call.</param>
/// <param name="Length">Bytes before it.</param>
/// <param name="Start">Where the object begins that may be a call; of gpt-oss, the header or the message.</param>
/// <param name="Space">Bytes of white space before it, behind a marker.</param>
internal readonly record struct ReplyPlace(ReplyPhase Phase, GrammarState Call, int Length, int Start, int Space);

/// <summary>Follows a reply byte by byte, as <see cref="ReplyParser"/> reads it: where calls begin, and whether what is written is one.</summary>
/// <param name="format">How the model writes.</param>
/// <param name="bare">Tells calls without a marker; null where the format has none.</param>
/// <param name="machine">The grammar of what stands behind a marker.</param>
/// <param name="isLast">Whether a reply ends behind its first call.</param>
internal sealed class ToolCallScan(ReplyFormat format, BareCall? bare, GrammarMachine machine, bool isLast)
{
    // Behind a marker, before the JSON.
    private const int MostSpace = 16;

    private static readonly byte[] Message = "<|message|>"u8.ToArray();
    private static readonly byte[][] HeaderBeginnings = [.. new[] { "<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|return|>", "<|call|>" }.Select(Encoding.UTF8.GetBytes)];

    private readonly bool _hasHeaders = format.ToolCalls == ToolCallSyntax.Harmony;
    private readonly byte[][] _openers = [.. format.CallOpeners.Select(Encoding.UTF8.GetBytes)];
    private readonly byte[]? _reasoningOpen = format.ReasoningOpen is { } open ? Encoding.UTF8.GetBytes(open) : null;
    private readonly byte[]? _reasoningClose = format.ReasoningClose is { } close ? Encoding.UTF8.GetBytes(close) : null;

    /// <summary>The beginning of a reply.</summary>
    /// <param name="inReasoning">Whether the prompt has opened reasoning.</param>
    public ReplyPlace Begin(bool inReasoning) =>
        new(inReasoning ? ReplyPhase.Reasoning : _hasHeaders ? ReplyPhase.Header : bare is null ? ReplyPhase.Free : ReplyPhase.Lead, GrammarState.Dead, 0, 0, 0);

    /// <summary>The beginning of a reply that is a call.</summary>
    public ReplyPlace BeginCall() =>
        bare is null ? new(ReplyPhase.Opening, GrammarState.Dead, 0, 0, 0) : new(ReplyPhase.Call, machine.Start, 0, 0, 0);

    /// <summary>What calls begin with.</summary>
    public ReadOnlySpan<byte[]> Openers => _openers;

    /// <summary>Whether white space may stand at a place behind a marker.</summary>
    public bool TakesSpace(in ReplyPlace place) => place.Phase == ReplyPhase.Opened && place.Space < MostSpace && !_hasHeaders;

    /// <summary>Where a byte leads.</summary>
    /// <param name="place">The place before it.</param>
    /// <param name="value">The byte.</param>
    /// <param name="text">All text with it; in a call, what a control token is spelled as.</param>
    public ReplyPlace Step(in ReplyPlace place, byte value, ReadOnlySpan<byte> text)
    {
        ReplyPlace next = place with { Length = text.Length };
        switch (place.Phase)
        {
            case ReplyPhase.Broken or ReplyPhase.Ended:
                return next;
            case ReplyPhase.Reasoning:
                return text.EndsWith(_reasoningClose) ? next with { Phase = bare is null ? ReplyPhase.Free : ReplyPhase.Lead } : next;
            case ReplyPhase.Opened when IsSpace([value]) && TakesSpace(place):
                return next with { Space = place.Space + 1 };
            case ReplyPhase.Opened or ReplyPhase.Call:
                return InCall(next, machine.Step(place.Call, value));
            case ReplyPhase.Opening:
                return InOpener(next, text);
            case ReplyPhase.Header:
                return InHeader(next, text);
            case ReplyPhase.Lead or ReplyPhase.Next when IsSpace([value]) || (value == ';' && place.Phase == ReplyPhase.Next):
                return next;
            case ReplyPhase.Lead or ReplyPhase.Next when value == '{':
                return next with { Phase = ReplyPhase.Bare, Start = text.Length - 1 };
            case ReplyPhase.Bare:
                return bare!.Judge(text[place.Start..]) switch
                {
                    null => next,
                    false => AtOpener(next with { Phase = ReplyPhase.Free }, text),
                    true => InCall(next, Behind(text[place.Start..])),
                };
            default:
                return InText(next with { Phase = ReplyPhase.Free }, text);
        }
    }

    /// <summary>Whether there is white space alone, or nothing.</summary>
    public static bool IsSpace(ReadOnlySpan<byte> text) => text.IndexOfAnyExcept(" \t\r\n"u8) < 0;

    // The end of its JSON is that of the call.
    private ReplyPlace InCall(ReplyPlace place, GrammarState state) =>
        state == GrammarState.Dead ? place with { Phase = ReplyPhase.Broken, Call = state, Space = 0 }
        : !state.MayEnd ? place with { Phase = ReplyPhase.Call, Call = state, Space = 0 }
        : place with { Phase = isLast ? ReplyPhase.Ended : bare is null ? ReplyPhase.Free : ReplyPhase.Next, Call = GrammarState.Dead, Space = 0 };

    private ReplyPlace InText(ReplyPlace place, ReadOnlySpan<byte> text)
    {
        if (_hasHeaders)
        {
            foreach (byte[] beginning in HeaderBeginnings)
            {
                if (text[place.Start..].EndsWith(beginning))
                {
                    // A channel's name belongs to the header that it begins.
                    return place with { Phase = ReplyPhase.Header, Start = text.Length - (beginning == HeaderBeginnings[1] ? beginning.Length : 0) };
                }
            }

            return place;
        }

        return _reasoningOpen is not null && text.EndsWith(_reasoningOpen) && IsSpace(text[..^_reasoningOpen.Length]) ? place with { Phase = ReplyPhase.Reasoning }
            : AtOpener(place, text);
    }

    private ReplyPlace InHeader(ReplyPlace place, ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<byte> header = text[place.Start..];
        if (header.Length > HarmonyReply.MaxHeader)
        {
            // No header is as long as that: what is longer is a text. What may become the end of it does not count.
            int open = Message.Length;
            while (!header.EndsWith(Message.AsSpan(0, open)))
            {
                open--;
            }

            if (Encoding.UTF8.GetCharCount(header[..^open]) > HarmonyReply.MaxHeader)
            {
                return place with { Phase = ReplyPhase.Free, Start = text.Length - open };
            }
        }

        return header.EndsWith(Message) ? place with { Phase = ReplyPhase.Free, Start = text.Length } : AtOpener(place, text);
    }

    private ReplyPlace InOpener(ReplyPlace place, ReadOnlySpan<byte> text)
    {
        foreach (byte[] opener in _openers)
        {
            if (opener.AsSpan().StartsWith(text))
            {
                return AtOpener(place, text);
            }
        }

        return place with { Phase = ReplyPhase.Broken };
    }

    private ReplyPlace AtOpener(ReplyPlace place, ReadOnlySpan<byte> text)
    {
        foreach (byte[] opener in _openers)
        {
            if (text.EndsWith(opener))
            {
                return opener[^1] == '[' ? InCall(place, machine.Step(machine.Start, (byte)'[')) : place with { Phase = ReplyPhase.Opened, Call = machine.Start, Space = 0 };
            }
        }

        return place;
    }

    private GrammarState Behind(ReadOnlySpan<byte> text)
    {
        GrammarState state = machine.Start;
        foreach (byte value in text)
        {
            state = machine.Step(state, value);
        }

        return state;
    }
}
