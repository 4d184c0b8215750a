using Microsoft.Extensions.AI;
using SpecDecode.ChatTemplates;
using SpecDecode.Constraints;
using SpecDecode.Generation;
using SpecDecode.Replies;
using TemplateMessage = SpecDecode.ChatTemplates.ChatMessage;

namespace SpecDecode.Extensions.AI;

/// <summary>A call of the client as the engine takes it, and how its answer is to be read.</summary>
internal sealed class ChatCall
{
    private readonly GenerationRequest _request;
    private readonly bool _isCall;
    private readonly bool _beginsInReasoning;

    private ChatCall(GenerationRequest request, ReplyFormat format, IReadOnlyList<string> tools, bool isCall, bool beginsInReasoning, bool showsReasoning, string? model)
    {
        _beginsInReasoning = beginsInReasoning;
        _request = request;
        Format = format;
        Tools = tools;
        _isCall = isCall;
        ShowsReasoning = showsReasoning;
        Model = model;
    }

    /// <summary>How the model writes.</summary>
    public ReplyFormat Format { get; }

    /// <summary>The names of the tools that it may call.</summary>
    public IReadOnlyList<string> Tools { get; }

    /// <summary>Whether reasoning is given out.</summary>
    public bool ShowsReasoning { get; }

    /// <summary>What the model is called.</summary>
    public string? Model { get; }

    /// <summary>Makes it of what a caller gives.</summary>
    /// <exception cref="NotSupportedException">An option or a content is not served.</exception>
    /// <exception cref="ArgumentException">An option contradicts itself.</exception>
    /// <exception cref="SpecDecodeException">The model has no chat template that can be used.</exception>
    public static ChatCall Of(IEnumerable<Microsoft.Extensions.AI.ChatMessage> messages, ChatOptions? options, ITextGenerator generator, IChatClient client)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ChatTokenizer chat = generator.ChatTokenizer ?? throw new SpecDecodeException(
            "This model has no chat template that can be used: give it one with ModelOptions.ChatTemplate (Model:ChatTemplate in a configuration), or use ITextGenerator with a prompt.");
        ReplyFormat format = ReplyFormat.Of(chat);
        OptionMapping mapping = OptionMapping.Of(options, generator, format, client);
        List<TemplateMessage> conversation = ConversationMapping.Of(messages, options?.Instructions, format);
        GenerationRequest request = mapping.Request with { Messages = conversation };
        if (mapping.Declarations is { } declarations)
        {
            request = format.ToolsInSystemMessage
                ? request with { Messages = ToolMessages.WithTools(conversation, declarations) }
                : request with { Tools = declarations };
        }

        // Under a form there is no place for reasoning.
        bool beginsInReasoning = request.Grammar is null && format.BeginsInReasoning(request.TemplateVariables);
        if (mapping.Declarations is { } held && !mapping.IsCall)
        {
            request = request.Grammar is { } answer
                ? request with
                {
                    Grammar = null,
                    Constraints = [.. request.Constraints, AnswerOrCallConstraint.Of(format, held, answer) ?? throw new NotSupportedException(
                        "ChatOptions.ResponseFormat is not served with tools by models of this family, whose answers have no place for a call then: leave one of them out.")],
                }
                : ToolCallConstraint.Of(format, held, beginsInReasoning, options?.AllowMultipleToolCalls != false) is { } constraint
                    ? request with { Constraints = [.. request.Constraints, constraint] } : request;
        }

        return new ChatCall(request, format, mapping.Tools, mapping.IsCall, beginsInReasoning, mapping.ShowsReasoning, SpecDecodeChatClient.ModelName(generator));
    }

    /// <summary>Hands the request over.</summary>
    public IAsyncEnumerable<GenerationUpdate> StartAsync(ITextGenerator generator, CancellationToken cancellationToken) => generator.GenerateAsync(_request, cancellationToken);

    /// <summary>Begins to read the answer.</summary>
    public ReplyParser CreateParser() => _isCall ? Format.CreateCallParser() : Format.CreateParser(Tools, _beginsInReasoning);
}
