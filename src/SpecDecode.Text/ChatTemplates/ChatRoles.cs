using System.Text.Json;

namespace SpecDecode.ChatTemplates;

/// <summary>Who says a message, as far as it matters here.</summary>
internal static class ChatRoles
{
    private const int MaxWords = 16;
    private const int MaxLength = 32;

    /// <summary>Whether a message, if it is one, is the model's own.</summary>
    public static bool IsAssistant(JsonElement message) => Of(message) is { } role && role.ValueEquals("assistant");

    /// <summary>The roles of a conversation that are plain words, the first few.</summary>
    public static IEnumerable<string> Words(JsonElement messages) => messages.EnumerateArray()
        .Select(message => Of(message)?.GetString()).OfType<string>()
        .Where(role => role.Length is > 0 and <= MaxLength && role.All(c => char.IsAsciiLetter(c) || c == '_'))
        .Distinct(StringComparer.Ordinal).Take(MaxWords);

    private static JsonElement? Of(JsonElement message) =>
        message.ValueKind == JsonValueKind.Object && message.TryGetProperty("role", out JsonElement role) && role.ValueKind == JsonValueKind.String
            ? role
            : null;
}
