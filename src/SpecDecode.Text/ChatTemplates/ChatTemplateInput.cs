using System.Buffers;
using System.Text.Json;

namespace SpecDecode.ChatTemplates;

/// <summary>A conversation and whatever else a chat template is told.</summary>
public sealed record ChatTemplateInput
{
    private static readonly IReadOnlyDictionary<string, JsonElement> NoVariables = new Dictionary<string, JsonElement>();

    /// <summary>
    /// An array of messages, as chat completion interfaces have them: objects with <c>role</c>, <c>content</c> (a text or a
    /// list of parts), and where it applies <c>tool_calls</c>, <c>tool_call_id</c>, <c>name</c>, <c>reasoning_content</c>. The
    /// template sees them as they are.
    /// </summary>
    public required JsonElement Messages { get; init; }

    /// <summary>An array of tools (JSON schemas of functions); null if there are none.</summary>
    public JsonElement? Tools { get; init; }

    /// <summary>An array of documents for retrieval; null if there are none.</summary>
    public JsonElement? Documents { get; init; }

    /// <summary>Whether the prompt ends with the beginning of the assistant's answer.</summary>
    /// <value>True by default.</value>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <summary>The text of the token that begins a sequence. Null: the checkpoint's, or undefined if it has none.</summary>
    public string? BosToken { get; init; }

    /// <summary>The text of the token that ends a sequence. Null: the checkpoint's, or undefined if it has none.</summary>
    public string? EosToken { get; init; }

    /// <summary>Further variables, such as <c>enable_thinking</c>; they win over everything above.</summary>
    public IReadOnlyDictionary<string, JsonElement> Variables { get; init; } = NoVariables;

    /// <summary>What the template's <c>strftime_now</c> says.</summary>
    /// <value>Null by default: the system's local time.</value>
    public DateTimeOffset? Now { get; init; }

    /// <summary>What the template may use up.</summary>
    /// <value><see cref="ChatTemplateLimits.Default"/> by default: bounds that grow with the conversation.</value>
    /// <exception cref="ArgumentNullException">It is set to null.</exception>
    public ChatTemplateLimits Limits
    {
        get;
        init => field = value ?? throw new ArgumentNullException(nameof(value), "Give limits, or leave them out for those that grow with the conversation.");
    } = ChatTemplateLimits.Default;

    /// <summary>A conversation.</summary>
    /// <param name="messages">The messages, the oldest first.</param>
    public static ChatTemplateInput Of(params IEnumerable<ChatMessage> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartArray();
            foreach (ChatMessage message in messages)
            {
                message.Write(json);
            }

            json.WriteEndArray();
        }

        using JsonDocument document = JsonDocument.Parse(buffer.WrittenMemory);
        return new ChatTemplateInput { Messages = document.RootElement.Clone() };
    }
}
