namespace SpecDecode.ChatTemplates;

/// <summary>A message that is nothing but text. For parts, tool calls and the like see <see cref="ChatTemplateInput.Messages"/>.</summary>
public sealed record ChatMessage
{
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
}
