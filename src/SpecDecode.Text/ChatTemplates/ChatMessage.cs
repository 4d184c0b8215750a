using System.Text.Json;

namespace SpecDecode.ChatTemplates;

/// <summary>A message of a conversation: a text and who says it, and whatever else a template is told of it.</summary>
public sealed record ChatMessage
{
    private static readonly IReadOnlyDictionary<string, JsonElement> NoFields = new Dictionary<string, JsonElement>();

    /// <summary>Makes a message.</summary>
    /// <param name="role">Who says it.</param>
    /// <param name="content">What is said.</param>
    public ChatMessage(string role, string content)
    {
        ArgumentNullException.ThrowIfNull(role);
        ArgumentNullException.ThrowIfNull(content);
        Role = role;
        Content = content;
    }

    /// <summary>Who says it: <c>system</c>, <c>user</c>, <c>assistant</c>, <c>tool</c>, or what else the template knows.</summary>
    public string Role { get; init; }

    /// <summary>What is said.</summary>
    public string Content { get; init; }

    /// <summary>
    /// What else the template is told, by the names that chat completion interfaces have: <c>tool_calls</c>, <c>tool_call_id</c>,
    /// <c>name</c>, <c>reasoning_content</c>. A <c>content</c> in it, such as a list of parts, takes the place of <see cref="Content"/>.
    /// </summary>
    /// <value>None by default.</value>
    /// <exception cref="ArgumentNullException">It is set to null.</exception>
    public IReadOnlyDictionary<string, JsonElement> Fields
    {
        get;
        init => field = value ?? throw new ArgumentNullException(nameof(value), "Give the fields of a message, or leave them out.");
    } = NoFields;

    /// <summary>A message as chat completion interfaces have it: an object with <c>role</c>, <c>content</c> and where it applies others.</summary>
    /// <param name="json">The object.</param>
    /// <exception cref="SpecDecodeException">It is no object, or its role is no text.</exception>
    public static ChatMessage FromJson(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object || !json.TryGetProperty("role", out JsonElement role) || role.ValueKind != JsonValueKind.String)
        {
            throw new SpecDecodeException("A message of a chat must be a JSON object with a text \"role\".");
        }

        bool hasText = json.TryGetProperty("content", out JsonElement content) && content.ValueKind == JsonValueKind.String;
        try
        {
            return new ChatMessage(role.GetString()!, hasText ? content.GetString()! : "")
            {
                Fields = json.EnumerateObject().Where(field => field.Name != "role" && !(hasText && field.Name == "content"))
                    .GroupBy(field => field.Name).ToDictionary(fields => fields.Key, fields => fields.Last().Value.Clone(), StringComparer.Ordinal),
            };
        }
        catch (InvalidOperationException error)
        {
            // What the runtime throws for half a surrogate pair.
            throw new SpecDecodeException("A message of a chat has a text that is not valid Unicode (half a surrogate pair).", error);
        }
    }

    /// <summary>Writes it as a template sees it.</summary>
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("role", Role);
        if (!Fields.ContainsKey("content"))
        {
            json.WriteString("content", Content);
        }

        foreach ((string name, JsonElement value) in Fields)
        {
            if (name != "role")
            {
                json.WritePropertyName(name);
                value.WriteTo(json);
            }
        }

        json.WriteEndObject();
    }
}
