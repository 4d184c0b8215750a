using SpecDecode.Replies;

namespace SpecDecode.Tests.Replies;

/// <summary>Formats by the templates that they are found in, and replies read in pieces.</summary>
internal static class ReplyReading
{
    // What of a family's template tells it apart.
    public static ReplyFormat Hermes { get; } = ReplyFormat.Of("{% if tools %}<tools></tools> … <tool_call>\n{…}\n</tool_call>{% endif %}");

    public static ReplyFormat Thinking { get; } = ReplyFormat.Of("{% if tools %}<tool_call></tool_call>{% endif %}{% if enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}");

    public static ReplyFormat Llama { get; } = ReplyFormat.Of("<|start_header_id|>{% if tools %}{\"name\": …, \"parameters\": …}{% endif %}");

    public static ReplyFormat Mistral { get; } = ReplyFormat.Of("[AVAILABLE_TOOLS]{{ tools }}[/AVAILABLE_TOOLS] [TOOL_CALLS]");

    public static ReplyFormat Phi { get; } = ReplyFormat.Of("<|system|>{{ message['content'] + '<|tool|>' + message['tools'] + '<|/tool|>' }}");

    public static ReplyFormat Harmony { get; } = ReplyFormat.Of("{% if tools %}{% endif %}<|start|>assistant<|channel|>analysis<|message|>{{ reasoning_effort }}");

    public static IReadOnlyDictionary<string, ReplyFormat> All { get; } = new Dictionary<string, ReplyFormat>
    {
        [nameof(Hermes)] = Hermes, [nameof(Thinking)] = Thinking, [nameof(Llama)] = Llama, [nameof(Mistral)] = Mistral, [nameof(Phi)] = Phi, [nameof(Harmony)] = Harmony,
    };

    public static string[] Tools { get; } = ["weather", "add"];

    /// <summary>The parts of a reply that comes in pieces, neighbours of one kind joined.</summary>
    public static string[] Read(ReplyFormat format, IEnumerable<string> pieces, string[]? tools = null, bool beginsInReasoning = false)
    {
        ReplyParser parser = format.CreateParser(tools ?? Tools, beginsInReasoning);
        List<ReplyPart> parts = [];
        foreach (string piece in pieces)
        {
            parts.AddRange(parser.Append(piece));
        }

        parts.AddRange(parser.Complete());
        Assert.Empty(parser.Complete());
        return Joined(parts);
    }

    public static string[] Joined(IEnumerable<ReplyPart> parts)
    {
        List<(ReplyPartKind Kind, string Text)> joined = [];
        foreach (ReplyPart part in parts)
        {
            if (part.Call is null && joined.Count > 0 && joined[^1].Kind == part.Kind)
            {
                joined[^1] = (part.Kind, joined[^1].Text + part.Text);
            }
            else
            {
                joined.Add((part.Kind, part.Call?.ToString() ?? part.Text));
            }
        }

        return [.. joined.Select(part => part.Kind == ReplyPartKind.Text ? part.Text : $"{part.Kind}: {part.Text}")];
    }

    /// <summary>A text cut at places that a seed says.</summary>
    public static IEnumerable<string> Cut(string text, int seed)
    {
        Random random = new(seed);
        int at = 0;
        while (at < text.Length)
        {
            int length = Math.Min(text.Length - at, random.Next(0, 8));
            yield return text.Substring(at, length);
            at += length;
        }
    }
}
