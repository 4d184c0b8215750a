using System.Collections.Frozen;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using SpecDecode.ChatTemplates;
using SpecDecode.Grammars;

namespace SpecDecode.Replies;

/// <summary>
/// How a model writes its replies: where tool calls and reasoning stand in them. Found in its chat template, which writes earlier replies
/// into a prompt the way the model was trained to write them.
/// </summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed class ReplyFormat
{
    private const string Letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    // Mistral's templates refuse others.
    private const int MistralIdLength = 9;
    private const int IdLength = 24;

    private static readonly (string Open, string Close)[] ReasoningMarkers = [("<think>", "</think>"), ("[THINK]", "[/THINK]")];
    private static readonly IReadOnlyDictionary<string, JsonElement> NoVariables = new Dictionary<string, JsonElement>();

    private static readonly ConditionalWeakTable<ChatTokenizer, ReplyFormat> Known = [];

    private readonly FrozenDictionary<int, string> _controlTokens;
    private readonly ChatTemplateSet? _templates;
    private readonly Lazy<bool> _usuallyInReasoning;

    private ReplyFormat(string template, ChatTokenizer? chat)
    {
        ToolCalls = FindSyntax(template);
        (ReasoningOpen, ReasoningClose) = ToolCalls == ToolCallSyntax.Harmony ? (null, null)
            : ReasoningMarkers.FirstOrDefault(markers => template.Contains(markers.Close, StringComparison.Ordinal));
        ToolsInSystemMessage = template.Contains("message['tools']", StringComparison.Ordinal) || template.Contains("message.tools", StringComparison.Ordinal);
        TakesTools = ToolCalls != ToolCallSyntax.None && (ToolsInSystemMessage || template.Contains("tools", StringComparison.Ordinal));
        CallOpeners = !TakesTools ? [] : ToolCalls switch
        {
            ToolCallSyntax.Hermes => ["<tool_call>"],
            ToolCallSyntax.Llama3 => ["<|python_tag|>"],
            ToolCallSyntax.Mistral => ["[TOOL_CALLS]"],
            ToolCallSyntax.Phi4 => ["<|tool_call|>", "functools["],
            _ => ["to=functions."],
        };
        NamesCallsOutside = ToolCalls == ToolCallSyntax.Harmony || (ToolCalls == ToolCallSyntax.Mistral && template.Contains("[ARGS]", StringComparison.Ordinal));
        HasThinkingSwitch = template.Contains("enable_thinking", StringComparison.Ordinal);
        HasReasoningEffort = template.Contains("reasoning_effort", StringComparison.Ordinal);
        KnowsDeveloper = template.Contains("developer", StringComparison.Ordinal);
        _templates = chat?.Templates;
        _controlTokens = (chat?.Tokenizer.AddedTokens ?? []).Where(token => token.Special && AllMarkers.Contains(token.Content))
            .ToFrozenDictionary(token => token.Id, token => token.Content);
        string[] controls = [.. _controlTokens.Values.Distinct().Order(StringComparer.Ordinal)];
        Marks = _controlTokens.ToFrozenDictionary(token => token.Key, token => MarkBytes(Array.IndexOf(controls, token.Value)));
        _usuallyInReasoning = new(() => FindBeginning(NoVariables));
    }

    /// <summary>How tool calls are written.</summary>
    public ToolCallSyntax ToolCalls { get; }

    /// <summary>What opens reasoning; null where the model has none that is marked so.</summary>
    public string? ReasoningOpen { get; }

    /// <summary>What closes it.</summary>
    public string? ReasoningClose { get; }

    /// <summary>Whether the model's replies may have reasoning in them that can be told from text.</summary>
    public bool HasReasoning => ReasoningClose is not null || ToolCalls == ToolCallSyntax.Harmony;

    /// <summary>Whether tools that a conversation offers come into the prompt, and calls of them can be read.</summary>
    public bool TakesTools { get; }

    /// <summary>Whether the template looks for tools in the field <c>tools</c> of the system message, as a text, and not in its variable.</summary>
    public bool ToolsInSystemMessage { get; }

    /// <summary>Whether the template's variable <c>enable_thinking</c> switches reasoning on and off.</summary>
    public bool HasThinkingSwitch { get; }

    /// <summary>Whether the template's variable <c>reasoning_effort</c> says how much to reason.</summary>
    public bool HasReasoningEffort { get; }

    /// <summary>Whether the template knows messages of the role <c>developer</c>.</summary>
    public bool KnowsDeveloper { get; }

    /// <summary>What a call begins with that is marked; none where the model takes no tools. One that ends in a bracket has the first of the call's JSON in it.</summary>
    internal IReadOnlyList<string> CallOpeners { get; }

    /// <summary>Whether a call's name stands before its JSON, which is the arguments alone.</summary>
    internal bool NamesCallsOutside { get; }

    /// <summary>Bytes for the control tokens that mean something in a reply, by their ids: such as no text has, so that no text can be one.</summary>
    internal IReadOnlyDictionary<int, byte[]> Marks { get; }

    private IReadOnlyCollection<string> AllMarkers => ToolCalls switch
    {
        ToolCallSyntax.Hermes => [.. HermesMarkers, .. Reasoning],
        ToolCallSyntax.Llama3 => ["<|python_tag|>", .. Reasoning],
        ToolCallSyntax.Mistral => ["[TOOL_CALLS]", "[ARGS]", "[CALL_ID]", .. Reasoning],
        ToolCallSyntax.Phi4 => ["<|tool_call|>", "<|/tool_call|>", .. Reasoning],
        ToolCallSyntax.Harmony => HarmonyReply.AllMarkers,
        _ => Reasoning,
    };

    private static string[] HermesMarkers => ["<tool_call>", "</tool_call>"];

    private string[] Reasoning => ReasoningOpen is null ? [] : [ReasoningOpen, ReasoningClose!];

    /// <summary>The format of a model's replies.</summary>
    /// <param name="chat">Its tokenizer and chat templates.</param>
    public static ReplyFormat Of(ChatTokenizer chat)
    {
        ArgumentNullException.ThrowIfNull(chat);
        return Known.GetValue(chat, static one => new ReplyFormat(string.Join('\n', one.Templates.Sources), one));
    }

    /// <summary>The format that a chat template stands for, where markers come as text.</summary>
    /// <param name="template">The template's text.</param>
    public static ReplyFormat Of(string template)
    {
        ArgumentNullException.ThrowIfNull(template);
        return new ReplyFormat(template, null);
    }

    /// <summary>Whether a prompt ends with reasoning opened, so that a reply begins in it.</summary>
    /// <param name="variables">The template's variables in the request, such as <c>enable_thinking</c>.</param>
    public bool BeginsInReasoning(IReadOnlyDictionary<string, JsonElement>? variables = null) =>
        ReasoningOpen is not null && (variables is null or { Count: 0 } ? _usuallyInReasoning.Value : FindBeginning(variables));

    /// <summary>Begins to read a reply.</summary>
    /// <param name="tools">The tools that were offered; none, and what looks like a call is text.</param>
    /// <param name="beginsInReasoning">Whether the prompt has opened reasoning.</param>
    public ReplyParser CreateParser(IReadOnlyCollection<string>? tools = null, bool beginsInReasoning = false) => new(this, tools ?? [], beginsInReasoning);

    /// <summary>Begins to read a reply that had to be one call (<see cref="ToolGrammar.OfCall"/>).</summary>
    public ReplyParser CreateCallParser() => new(this);

    /// <summary>A new name for a call, as the family's templates take it.</summary>
    public string NewCallId() => ToolCalls == ToolCallSyntax.Mistral
        ? RandomNumberGenerator.GetString(Letters, MistralIdLength)
        : "call_" + RandomNumberGenerator.GetString(Letters, IdLength);

    /// <summary>A marker as a grammar knows it: the control token where there is one, else its text.</summary>
    internal byte[] SpellMarker(string marker)
    {
        foreach ((int id, string content) in _controlTokens)
        {
            if (content == marker)
            {
                return Marks[id];
            }
        }

        return Encoding.UTF8.GetBytes(marker);
    }

    /// <summary>What a control token stands for in a reply; null where that is nothing.</summary>
    internal string? MarkerOf(int token) => _controlTokens.GetValueOrDefault(token);

    private static byte[] MarkBytes(int number) => [TokenVocabulary.MarkByte, (byte)number];

    private static ToolCallSyntax FindSyntax(string template)
    {
        bool Has(string text) => template.Contains(text, StringComparison.Ordinal);
        return Has("<|channel|>") && Has("<|message|>") ? ToolCallSyntax.Harmony

            // Some write calls as XML between the same markers, which is another format.
            : Has("<tool_call>") ? Has("<function=") ? ToolCallSyntax.None : ToolCallSyntax.Hermes
            : Has("[TOOL_CALLS]") ? ToolCallSyntax.Mistral
            : Has("<|tool|>") || Has("<|tool_call|>") ? ToolCallSyntax.Phi4
            : Has("<|start_header_id|>") && Has("\"parameters\"") ? ToolCallSyntax.Llama3
            : ToolCallSyntax.None;
    }

    private bool FindBeginning(IReadOnlyDictionary<string, JsonElement> variables)
    {
        if (_templates is null || ReasoningOpen is null)
        {
            return false;
        }

        try
        {
            string prompt = _templates.Render(ChatTemplateInput.Of(new ChatMessage("user", "?")) with { Variables = variables });
            return prompt.AsSpan().TrimEnd().EndsWith(ReasoningOpen, StringComparison.Ordinal);
        }
        catch (SpecDecodeException)
        {
            // A template that takes no such conversation; what it says to the one that is meant is told there.
            return false;
        }
    }
}
