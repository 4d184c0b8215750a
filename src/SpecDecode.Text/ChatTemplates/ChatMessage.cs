namespace SpecDecode.ChatTemplates;

/// <summary>A message that is nothing but text. For parts, tool calls and the like see <see cref="ChatTemplateInput.Messages"/>.</summary>
/// <param name="Role">Who says it: <c>system</c>, <c>user</c>, <c>assistant</c>, <c>tool</c>, or what else the template knows.</param>
/// <param name="Content">What is said.</param>
public sealed record ChatMessage(string Role, string Content);
