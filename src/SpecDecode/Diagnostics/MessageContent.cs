using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using SpecDecode.ChatTemplates;

namespace SpecDecode.Diagnostics;

/// <summary>Messages as OpenTelemetry's conventions for generative AI write them into an attribute: JSON, a list of messages of parts.</summary>
internal static class MessageContent
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>What was asked.</summary>
    public static string Input(string? prompt, IReadOnlyList<ChatMessage>? messages) => Write(writer =>
    {
        foreach (ChatMessage message in messages ?? [new ChatMessage("user", prompt ?? "")])
        {
            Message(writer, message.Role, message.Content, finishReason: null);
        }
    });

    /// <summary>What was answered.</summary>
    public static string Output(string answer, FinishReason? reason) =>
        Write(writer => Message(writer, "assistant", answer, reason is { } known ? TelemetryNames.Of(known) : null));

    private static void Message(Utf8JsonWriter writer, string role, string content, string? finishReason)
    {
        writer.WriteStartObject();
        writer.WriteString("role", role);
        writer.WriteStartArray("parts");
        writer.WriteStartObject();
        writer.WriteString("type", "text");
        writer.WriteString("content", content);
        writer.WriteEndObject();
        writer.WriteEndArray();
        if (finishReason is not null)
        {
            writer.WriteString("finish_reason", finishReason);
        }

        writer.WriteEndObject();
    }

    private static string Write(Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> bytes = new();
        using (Utf8JsonWriter writer = new(bytes, Options))
        {
            writer.WriteStartArray();
            write(writer);
            writer.WriteEndArray();
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }
}
