using System.Globalization;
using System.Text.Json;
using SpecDecode.ChatTemplates;

namespace SpecDecode.Tool;

/// <summary>
/// A conversation in a file: a JSON object with <c>messages</c> and, where they are wanted, <c>add_generation_prompt</c>,
/// <c>tools</c>, <c>documents</c>, <c>bos_token</c>, <c>eos_token</c> and <c>now</c>. Other members are variables of the template,
/// except <c>name</c>, <c>expected</c> and <c>error</c>, which say what the case is for.
/// </summary>
internal static class TemplateCase
{
    /// <exception cref="SpecDecodeException">The file cannot be read, or a member is not what it should be.</exception>
    public static ChatTemplateInput Read(string path, CancellationToken cancellationToken)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(InputFile.ReadText(path, cancellationToken), new JsonDocumentOptions { MaxDepth = 200 });
            JsonElement root = document.RootElement.Clone();
            return root.ValueKind == JsonValueKind.Object ? Read(path, root)
                : throw new SpecDecodeException($"{path}: it is no JSON object. Write one with messages.");
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // The latter for a text that is not valid Unicode.
            throw new SpecDecodeException($"{path}: it is not JSON ({error.Message}). Mend it.", error);
        }
    }

    private static ChatTemplateInput Read(string path, JsonElement root)
    {
        JsonElement? messages = null;
        JsonElement? tools = null;
        JsonElement? documents = null;
        bool addGenerationPrompt = true;
        string? bos = null;
        string? eos = null;
        DateTimeOffset? now = null;
        Dictionary<string, JsonElement> variables = new(StringComparer.Ordinal);
        foreach (JsonProperty member in root.EnumerateObject())
        {
            JsonElement value = member.Value;
            switch (member.Name)
            {
                case "messages":
                    messages = value.ValueKind == JsonValueKind.Array ? value : throw Wrong(path, member, "an array of messages");
                    break;
                case "add_generation_prompt":
                    addGenerationPrompt = value.ValueKind is JsonValueKind.True or JsonValueKind.False
                        ? value.GetBoolean()
                        : throw Wrong(path, member, "true or false");
                    break;
                case "tools" or "documents":
                    JsonElement? list = value.ValueKind == JsonValueKind.Null ? null : value;
                    (tools, documents) = member.Name == "tools" ? (list, documents) : (tools, list);
                    break;
                case "bos_token":
                    bos = Token(path, member);
                    break;
                case "eos_token":
                    eos = Token(path, member);
                    break;
                case "now":
                    now = Time(path, member);
                    break;
                case "name" or "expected" or "error":
                    break;
                default:
                    variables[member.Name] = value;
                    break;
            }
        }

        return new ChatTemplateInput
        {
            Messages = messages ?? throw new SpecDecodeException($"{path}: it has no 'messages'. Add an array of messages."),
            Tools = tools,
            Documents = documents,
            AddGenerationPrompt = addGenerationPrompt,
            BosToken = bos,
            EosToken = eos,
            Now = now,
            Variables = variables,
        };
    }

    private static string? Token(string path, JsonProperty member) => member.Value.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.String => member.Value.GetString(),
        _ => throw Wrong(path, member, "a text"),
    };

    // A date, or a date and a time; what has no zone is taken as it stands.
    private static DateTimeOffset? Time(string path, JsonProperty member)
    {
        if (member.Value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        return member.Value.ValueKind == JsonValueKind.String
            && DateTimeOffset.TryParse(member.Value.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time)
                ? time
                : throw Wrong(path, member, "a date such as 2026-11-23, or a date and time such as 2026-11-23T09:30:00");
    }

    private static SpecDecodeException Wrong(string path, JsonProperty member, string wanted) =>
        new($"{path}: '{member.Name}' must be {wanted}. Correct it.");
}
