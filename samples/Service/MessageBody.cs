using System.Text.Json.Serialization;
using SpecDecode.ChatTemplates;

namespace Service;

/// <summary>A message of a conversation: what the system, the user or the assistant said.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record MessageBody
{
    private static readonly string[] Roles = ["system", "user", "assistant"];

    public string? Role { get; init; }

    public string? Content { get; init; }

    public static ChatMessage ToMessage(MessageBody? message) =>
        message is { Role: { } role, Content: { } content } && Roles.Contains(role)
            ? new ChatMessage(role, content)
            : throw new BadHttpRequestException("A message needs a role (system, user or assistant) and a content, both texts.");
}
