using System.Text.Json;
using Microsoft.Extensions.AI;
using SpecDecode.Generation;
using SpecDecode.Grammars;
using SpecDecode.Replies;
using SpecDecode.Sampling;

namespace SpecDecode.Extensions.AI;

/// <summary>Chat options as the engine takes them: each is mapped, or refused by its name.</summary>
/// <param name="Request">The request, which lacks the messages.</param>
/// <param name="Tools">The names of the tools that are offered.</param>
/// <param name="Declarations">The same as the template is told of them; null for none.</param>
/// <param name="IsCall">Whether the answer has to be a call.</param>
/// <param name="ShowsReasoning">Whether reasoning is given out.</param>
internal sealed record OptionMapping(GenerationRequest Request, IReadOnlyList<string> Tools, JsonElement? Declarations, bool IsCall, bool ShowsReasoning)
{
    private const string Thinking = "enable_thinking";
    private const string Effort = "reasoning_effort";
    private static readonly JsonGrammarOptions Spaced = new() { WhiteSpace = JsonWhiteSpace.Spaced };

    /// <summary>Maps options.</summary>
    /// <exception cref="NotSupportedException">One is not served.</exception>
    /// <exception cref="ArgumentException">One contradicts itself.</exception>
    public static OptionMapping Of(ChatOptions? options, ITextGenerator generator, ReplyFormat format, IChatClient client)
    {
        if (options is null)
        {
            return new OptionMapping(new GenerationRequest(), [], null, IsCall: false, ShowsReasoning: true);
        }

        RefuseNotServed(options, generator);
        GenerationRequest request = Raw(options, client);
        request = request with
        {
            MaxTokens = options.MaxOutputTokens ?? request.MaxTokens,
            Grammar = Form(options.ResponseFormat) ?? request.Grammar,
            Stop = options.StopSequences is { Count: > 0 } stop ? [.. request.Stop, .. stop] : request.Stop,
            Sampling = Sampling(options, request.Sampling ?? generator.Defaults.Sampling),
            TemplateVariables = WithReasoning(request.TemplateVariables, options.Reasoning, format),
        };
        (IReadOnlyList<string> names, JsonElement? declarations) = OfferedTools(options, format);
        bool isCall = declarations is not null && options.ToolMode is RequiredChatToolMode;
        request = isCall ? request with { Grammar = ToolGrammar.OfCall(declarations!.Value, ((RequiredChatToolMode)options.ToolMode!).RequiredFunctionName) } : request;
        return new OptionMapping(request, names, declarations, isCall, options.Reasoning?.Output != ReasoningOutput.None);
    }

    // As most JSON is written that models have read.
    private static Grammar? Form(ChatResponseFormat? format) => format switch
    {
        null or ChatResponseFormatText => null,
        ChatResponseFormatJson { Schema: { } schema } => Grammar.OfJsonSchema(schema.GetRawText(), Spaced),
        ChatResponseFormatJson => Grammar.OfJsonObject(Spaced),
        _ => throw new NotSupportedException($"ChatOptions.ResponseFormat is a {format.GetType().Name}: give text or JSON."),
    };

    private static SamplingOptions Sampling(ChatOptions options, SamplingOptions defaults)
    {
        float temperature = options.Temperature ?? defaults.Temperature;
        return defaults with
        {
            Temperature = temperature,
            TopP = options.TopP ?? defaults.TopP,
            TopK = options.TopK ?? defaults.TopK,
            Seed = options.Seed ?? defaults.Seed,
            FrequencyPenalty = options.FrequencyPenalty ?? defaults.FrequencyPenalty,
            PresencePenalty = options.PresencePenalty ?? defaults.PresencePenalty,

            // What is configured for drawing holds for nothing where nothing is drawn, and the other way round.
            Acceptance = (temperature == 0) == (defaults.Temperature == 0) ? defaults.Acceptance : null,
        };
    }

    // What the caller makes for this engine alone: drafting, acceptance, stop tokens, variables of the template.
    private static GenerationRequest Raw(ChatOptions options, IChatClient client)
    {
        object? raw = options.RawRepresentationFactory?.Invoke(client);
        GenerationRequest request = raw switch
        {
            null => new GenerationRequest(),
            GenerationRequest given => given,
            _ => throw new NotSupportedException($"ChatOptions.RawRepresentationFactory gave a {raw.GetType()}: give a {typeof(GenerationRequest)} without a prompt."),
        };
        return request is { Prompt: null, Tokens: null, Messages: null, Tools: null, Choices: 1, BestOf: null } ? request
            : throw new ArgumentException(
                "ChatOptions.RawRepresentationFactory gave a request with Prompt, Tokens, Messages, Tools, Choices or BestOf: leave them out, since the chat has its own, and one answer.", nameof(options));
    }

    private static void RefuseNotServed(ChatOptions options, ITextGenerator generator)
    {
        Refuse(options.ConversationId is not null, nameof(options.ConversationId), "this client keeps no conversations: send all messages");
        Refuse(
            options.ModelId is { } model && SpecDecodeChatClient.ModelName(generator) is { } name && !string.Equals(model, name, StringComparison.OrdinalIgnoreCase),
            nameof(options.ModelId), $"this client is of the model '{SpecDecodeChatClient.ModelName(generator)}', not of '{options.ModelId}'");
#pragma warning disable MEAI001 // Refusing them needs naming them.
        Refuse(options.AllowBackgroundResponses == true, nameof(options.AllowBackgroundResponses), "there are no answers in the background: leave it out");
        Refuse(options.ContinuationToken is not null, nameof(options.ContinuationToken), "there are no answers in the background: leave it out");
#pragma warning restore MEAI001
    }

    private static void Refuse(bool isGiven, string option, string reason)
    {
        if (isGiven)
        {
            throw new NotSupportedException($"ChatOptions.{option} is given, and {reason}.");
        }
    }

    private static IReadOnlyDictionary<string, JsonElement> WithReasoning(
        IReadOnlyDictionary<string, JsonElement> variables, ReasoningOptions? reasoning, ReplyFormat format)
    {
        Refuse(reasoning?.Output == ReasoningOutput.Summary, "Reasoning.Output", "reasoning is not summed up here: give Full or None");
        if (reasoning?.Effort is not { } effort)
        {
            return variables;
        }

        Refuse(!format.HasReasoningEffort && !format.HasThinkingSwitch, "Reasoning.Effort", "this model's chat template does not ask for it: leave it out");
        (string name, JsonElement value) = format.HasReasoningEffort ? (Effort, JsonBuilder.Text(Word(effort)))

            // A switch knows no degrees.
            : (Thinking, JsonBuilder.Flag(effort != ReasoningEffort.None));
        return new Dictionary<string, JsonElement>(variables, StringComparer.Ordinal) { [name] = value };
    }

    private static string Word(ReasoningEffort effort) => effort switch
    {
        ReasoningEffort.None => "none",
        ReasoningEffort.Low => "low",
        ReasoningEffort.Medium => "medium",
        ReasoningEffort.High => "high",
        _ => "xhigh",
    };

    private static (IReadOnlyList<string> Names, JsonElement? Declarations) OfferedTools(ChatOptions options, ReplyFormat format)
    {
        Refuse(options.ToolMode is RequiredChatToolMode && options.Tools is not { Count: > 0 }, nameof(options.ToolMode), "there are no tools");
        if (options.Tools is not { Count: > 0 } tools || options.ToolMode is NoneChatToolMode)
        {
            return ([], null);
        }

        Refuse(!format.TakesTools, nameof(options.Tools), "this model takes none: its chat template has no place for them, or calls of its family cannot be read");
        List<string> names = [];
        JsonElement declarations = JsonBuilder.Build(json =>
        {
            json.WriteStartArray();
            foreach (AITool tool in tools)
            {
                if (tool is not AIFunctionDeclaration function)
                {
                    throw new NotSupportedException($"ChatOptions.Tools has a {tool.GetType().Name}, which a local model cannot run: give functions.");
                }

                names.Add(function.Name);
                json.WriteStartObject();
                json.WriteString("type", "function");
                json.WriteStartObject("function");
                json.WriteString("name", function.Name);
                json.WriteString("description", function.Description);
                json.WritePropertyName("parameters");
                function.JsonSchema.WriteTo(json);
                json.WriteEndObject();
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
        return (names, declarations);
    }
}
