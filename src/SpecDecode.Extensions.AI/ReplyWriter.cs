using System.Text.Json;
using Microsoft.Extensions.AI;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Replies;

namespace SpecDecode.Extensions.AI;

/// <summary>An answer while it is written: its tokens as contents, and what it took in the end.</summary>
internal sealed class ReplyWriter
{
    private readonly ChatCall _call;
    private readonly ReplyParser _parser;
    private readonly string _id = Guid.NewGuid().ToString("N");
    private readonly DateTimeOffset _created = TimeProvider.System.GetUtcNow();
    private readonly List<ChatResponseUpdate> _updates = [];
    private int _reasoningTokens;
    private GenerationResult? _result;

    public ReplyWriter(ChatCall call)
    {
        _call = call;
        _parser = call.CreateParser();
    }

    /// <summary>The whole answer.</summary>
    public ChatResponse Response
    {
        get
        {
            ChatResponse response = _updates.ToChatResponse();
            if (response.Messages.Count == 0)
            {
                response.Messages.Add(new ChatMessage(ChatRole.Assistant, []) { MessageId = _id });
            }

            response.RawRepresentation = _result;
            return response;
        }
    }

    /// <summary>Takes the next update.</summary>
    /// <returns>What is new of the answer; with the last update also what it took.</returns>
    public IList<AIContent> Add(in GenerationUpdate update)
    {
        _reasoningTokens += update.Token is not null && _parser.IsReasoning ? 1 : 0;
        List<AIContent> contents = [];
        AddParts(contents, _parser.Append(update.Text, update.Token));
        if (update.Result is { } result)
        {
            _result = result;
            AddParts(contents, _parser.Complete());
            contents.Add(new UsageContent(Usage(result)));
        }

        if (contents.Count > 0)
        {
            _updates.Add(Update(update, contents));
        }

        return contents;
    }

    /// <summary>An update of a stream.</summary>
    public ChatResponseUpdate Update(in GenerationUpdate update, IList<AIContent> contents) => new(ChatRole.Assistant, contents)
    {
        ResponseId = _id,
        MessageId = _id,
        ModelId = _call.Model,
        CreatedAt = _created,
        FinishReason = update.Result is { } result ? Reason(result) : null,
        RawRepresentation = update,
    };

    private void AddParts(List<AIContent> contents, IReadOnlyList<ReplyPart> parts)
    {
        foreach (ReplyPart part in parts)
        {
            if (part.Call is { } call)
            {
                contents.Add(new FunctionCallContent(_call.Format.NewCallId(), call.Name, Arguments(call)) { RawRepresentation = call });
            }
            else if (part.Kind == ReplyPartKind.Text)
            {
                contents.Add(new TextContent(part.Text));
            }
            else if (_call.ShowsReasoning)
            {
                contents.Add(new TextReasoningContent(part.Text));
            }
        }
    }

    private static Dictionary<string, object?> Arguments(ToolCall call)
    {
        using JsonDocument document = JsonDocument.Parse(call.Arguments);
        Dictionary<string, object?> arguments = new(StringComparer.Ordinal);
        foreach (JsonProperty argument in document.RootElement.EnumerateObject())
        {
            arguments[argument.Name] = argument.Value.Clone();
        }

        return arguments;
    }

    private ChatFinishReason Reason(GenerationResult result) => result.FinishReason switch
    {
        FinishReason.Stop => _parser.HasCalls ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop,
        FinishReason.Length => ChatFinishReason.Length,

        // What there is of the text is there: it tells that it is not whole.
        { } reason => new ChatFinishReason(reason.ToString().ToLowerInvariant()),
    };

    private UsageDetails Usage(GenerationResult result)
    {
        DraftingStatistics drafting = result.Drafting;
        return new UsageDetails
        {
            InputTokenCount = result.PromptTokens,
            OutputTokenCount = result.Tokens.Count,
            TotalTokenCount = result.PromptTokens + result.Tokens.Count,
            CachedInputTokenCount = result.CachedPromptTokens,
            ReasoningTokenCount = _reasoningTokens,
            AdditionalCounts = new AdditionalPropertiesDictionary<long>
            {
                [SpecDecodeCounts.DraftedTokens] = drafting.Drafted,
                [SpecDecodeCounts.AcceptedTokens] = drafting.Accepted,
                [SpecDecodeCounts.Rounds] = drafting.Rounds,
            },
        };
    }
}
