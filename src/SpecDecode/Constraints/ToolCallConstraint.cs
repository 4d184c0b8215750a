using System.Text.Json;
using SpecDecode.Grammars;
using SpecDecode.Replies;

namespace SpecDecode.Constraints;

/// <summary>
/// Holds calls that a model makes by itself to the schemas of the tools that it was offered: text is free until a call begins, and from there to its end
/// only what is a call can be written. Where the text ends before that it is the beginning of one.
/// </summary>
/// <remarks>
/// A call begins with its family's marker; one of Llama 3 without a marker with <c>{"name": "…"</c>, as soon as the name is a tool's; one of gpt-oss with the recipient
/// <c>functions.</c>, and its reply ends with it.
/// </remarks>
public sealed class ToolCallConstraint : ITokenConstraint
{
    private readonly ReplyFormat _format;
    private readonly Grammar _grammar;
    private readonly BareCall? _bare;
    private readonly bool _beginsInReasoning;
    private readonly bool _isLast;

    private ToolCallConstraint(ReplyFormat format, Grammar grammar, BareCall? bare, bool beginsInReasoning, bool isLast)
    {
        _format = format;
        _grammar = grammar;
        _bare = bare;
        _beginsInReasoning = beginsInReasoning;
        _isLast = isLast;
    }

    /// <summary>Makes a constraint.</summary>
    /// <param name="format">How the model writes.</param>
    /// <param name="tools">An array of objects of the type function, as chat completion interfaces have them.</param>
    /// <param name="beginsInReasoning">Whether the prompt has opened reasoning, in which a marker is no call's.</param>
    /// <param name="allowMultipleCalls">Whether a reply may have several calls; else it ends with its first one.</param>
    /// <returns>The constraint; null for formats without calls.</returns>
    /// <exception cref="SpecDecodeException">There are no tools, or the schema of one is damaged or has what cannot be honoured.</exception>
    public static ToolCallConstraint? Of(ReplyFormat format, JsonElement tools, bool beginsInReasoning = false, bool allowMultipleCalls = true)
    {
        ArgumentNullException.ThrowIfNull(format);
        if (format.CallOpeners.Count == 0)
        {
            return null;
        }

        BareCall? bare = format.ToolCalls == ToolCallSyntax.Llama3
            ? new BareCall(tools.EnumerateArray().Select(tool => tool.GetProperty("function").GetProperty("name").GetString()!)) : null;
        return new ToolCallConstraint(
            format, ToolGrammar.OfCalls(tools, format, allowMultipleCalls ? ReplyParser.MaxCalls : 1), bare, beginsInReasoning,

            // Behind a call a message of gpt-oss ends, and with it the reply.
            !allowMultipleCalls || format.ToolCalls == ToolCallSyntax.Harmony);
    }

    /// <inheritdoc/>
    public ITokenConstraintState Begin(TokenConstraintContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return Begin(context, mustBeCall: false);
    }

    /// <summary>Begins a reply that is a call.</summary>
    internal ITokenConstraintState BeginCall(TokenConstraintContext context) => Begin(context, mustBeCall: true);

    private ToolCallState Begin(TokenConstraintContext context, bool mustBeCall)
    {
        if (context.Tokenizer is not { } tokenizer)
        {
            throw new SpecDecodeException("The model has no tokenizer that can be used, so its calls cannot be held to a schema.");
        }

        TokenGrammar grammar = _grammar.For(GrammarVocabularies.Of(tokenizer, context.VocabularySize, context.EndOfText, _format));
        ToolCallScan scan = new(_format, _bare, grammar.Machine, _isLast);
        return new ToolCallState(_format, scan, grammar, mustBeCall ? scan.BeginCall() : scan.Begin(_beginsInReasoning));
    }
}
