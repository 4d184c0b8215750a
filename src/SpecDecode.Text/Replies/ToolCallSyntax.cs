namespace SpecDecode.Replies;

/// <summary>How a family of models writes tool calls into its replies.</summary>
public enum ToolCallSyntax
{
    /// <summary>None that is known: what the model writes is text.</summary>
    None,

    /// <summary>
    /// Hermes, Qwen 2.5 and 3, SmolLM3: <c>&lt;tool_call&gt;{"name": …, "arguments": {…}}&lt;/tool_call&gt;</c>, several after each other.
    /// </summary>
    Hermes,

    /// <summary>
    /// Llama 3.1 to 3.3: the reply is <c>{"name": …, "parameters": {…}}</c>, where they say so behind <c>&lt;|python_tag|&gt;</c>, several
    /// with semicolons between them. Without that marker an object is a call where its first member is <c>name</c>, with the name of a tool that was offered, or stands behind
    /// <c>"type": "function"</c>.
    /// </summary>
    Llama3,

    /// <summary>
    /// Mistral: <c>[TOOL_CALLS][{"name": …, "arguments": {…}}, …]</c>, in newer models <c>[TOOL_CALLS]name[ARGS]{…}</c> for each call.
    /// </summary>
    Mistral,

    /// <summary>Phi-4-mini: <c>&lt;|tool_call|&gt;[{"name": …, "arguments": {…}}]&lt;|/tool_call|&gt;</c>, or the same behind <c>functools</c>.</summary>
    Phi4,

    /// <summary>
    /// gpt-oss: a reply is messages in channels, <c>analysis</c> for reasoning, <c>final</c> for text, <c>commentary to=functions.name</c> for calls.
    /// </summary>
    Harmony,
}
