using System.Text.Json;
using SpecDecode.ChatTemplates;

namespace SpecDecode.Replies;

/// <summary>Tools for templates that look for them in the system message.</summary>
public static class ToolMessages
{
    private const string System = "system";

    /// <summary>
    /// Puts tools into the system message's field <c>tools</c>, as a text, where templates such as Phi-4-mini's look for them
    /// (<see cref="ReplyFormat.ToolsInSystemMessage"/>); without a system message there is one without words.
    /// </summary>
    /// <param name="messages">The conversation.</param>
    /// <param name="tools">An array of JSON schemas of functions.</param>
    public static IReadOnlyList<ChatMessage> WithTools(IReadOnlyList<ChatMessage> messages, JsonElement tools)
    {
        ArgumentNullException.ThrowIfNull(messages);
        using JsonDocument text = JsonDocument.Parse($"\"{JsonEncodedText.Encode(tools.GetRawText())}\"");
        ChatMessage first = messages.Count > 0 && messages[0].Role == System ? messages[0] : new ChatMessage(System, "");
        Dictionary<string, JsonElement> fields = new(first.Fields, StringComparer.Ordinal) { ["tools"] = text.RootElement.Clone() };
        return [first with { Fields = fields }, .. messages.Skip(messages.Count > 0 && messages[0].Role == System ? 1 : 0)];
    }
}
