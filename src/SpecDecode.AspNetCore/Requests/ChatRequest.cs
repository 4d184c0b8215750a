using System.Text.Json;
using SpecDecode.AspNetCore.Wire;
using SpecDecode.ChatTemplates;
using SpecDecode.Generation;
using SpecDecode.Replies;

namespace SpecDecode.AspNetCore.Requests;

/// <summary>A chat as the engine takes it, and how its answer is to be read.</summary>
/// <param name="Request">The request.</param>
/// <param name="Format">How the model writes.</param>
/// <param name="Tools">The names of the tools that it may call.</param>
/// <param name="IsCall">Whether the answer has to be a call.</param>
/// <param name="BeginsInReasoning">Whether the prompt has opened reasoning.</param>
internal sealed record ChatRequest(GenerationRequest Request, ReplyFormat Format, IReadOnlyList<string> Tools, bool IsCall, bool BeginsInReasoning)
{
    private const string Thinking = "enable_thinking";
    private const string Effort = "reasoning_effort";

    /// <summary>Makes it of a body.</summary>
    /// <exception cref="ApiException">A field is wrong, or the model cannot serve it.</exception>
    public static ChatRequest Of(ChatCompletionBody body, ITextGenerator generator, SpecDecodeEndpointOptions options)
    {
        if (generator.ChatTokenizer is not { } chat)
        {
            // The library's own sentence names the file that is missing, which is no business of a client's.
            throw ApiException.Invalid(
                "messages", "This model has no chat template that can be used: send a prompt to /v1/completions, or give the model one (option Model:ChatTemplate of the server).", "no_chat_template");
        }

        if (body.MaxTokens is { } old && body.MaxCompletionTokens is { } now && old != now)
        {
            throw ApiException.Invalid("max_tokens", "'max_tokens' and 'max_completion_tokens' differ: give one of them.");
        }

        if (body.Logprobs != true && body.TopLogprobs is not null)
        {
            throw ApiException.Invalid("top_logprobs", "'top_logprobs' goes with log probabilities: set 'logprobs' to true, or leave it out.");
        }

        GenerationDefaults defaults = generator.Defaults;
        ReplyFormat format = ReplyFormat.Of(chat);
        GenerationRequest request = RequestBuilder.Build(
            body, defaults, body.MaxCompletionTokens is null ? ("max_tokens", body.MaxTokens) : ("max_completion_tokens", body.MaxCompletionTokens), options);
        int choices = RequestBuilder.CountChoices(body.N, 1, options.MaxChoices);
        RequestBuilder.CheckTexts("n", choices, generator.Model);
        OfferedTools tools = OfferedTools.Read(body, format);
        Dictionary<string, JsonElement> variables = Variables(body, format);
        List<ChatMessage> messages = MessageReader.Read(body.Messages, format);
        request = request with
        {
            Messages = messages,
            TemplateVariables = variables,
            Choices = choices,
            LogProbabilities = body.Logprobs == true ? RequestBuilder.LogProbabilities("top_logprobs", body.TopLogprobs ?? 0) : null,
        };
        if (tools.Declarations is { } declarations)
        {
            request = format.ToolsInSystemMessage
                ? request with { Messages = ToolMessages.WithTools(messages, declarations) }
                : request with { Tools = declarations };
        }

        if (tools.Declarations is not null && request.Grammar is not null)
        {
            throw ApiException.Unsupported("response_format", "'response_format' is given with tools, and an answer of that form has no place for a call: leave one of them out.");
        }

        // Under a form there is no place for reasoning either.
        bool beginsInReasoning = request.Grammar is null && tools.Call is null && format.BeginsInReasoning(variables);
        request = tools.Call is not null ? request with { Grammar = tools.Call }
            : OfferedTools.Held(format, tools, beginsInReasoning) is { } held ? request with { Constraints = [held] }
            : request;
        return new ChatRequest(request, format, tools.Names, tools.Call is not null, beginsInReasoning);
    }

    /// <summary>Begins to read an answer.</summary>
    public ReplyParser CreateParser() => IsCall ? Format.CreateCallParser() : Format.CreateParser(Tools, BeginsInReasoning);

    private static Dictionary<string, JsonElement> Variables(ChatCompletionBody body, ReplyFormat format)
    {
        Dictionary<string, JsonElement> variables = new(body.TemplateVariables ?? [], StringComparer.Ordinal);
        foreach (string name in (string[])["messages", "tools", "add_generation_prompt"])
        {
            if (variables.ContainsKey(name))
            {
                throw ApiException.Invalid($"chat_template_kwargs.{name}", $"'chat_template_kwargs' may not have '{name}', which the request says elsewhere.");
            }
        }

        if (body.ReasoningEffort is { } effort)
        {
            if (format.HasReasoningEffort)
            {
                variables[Effort] = JsonBuilder.Text(effort);
            }
            else if (format.HasThinkingSwitch)
            {
                // A switch knows no degrees.
                variables[Thinking] = JsonBuilder.Flag(effort != "none");
            }
            else
            {
                throw ApiException.Unsupported("reasoning_effort", "'reasoning_effort' is given, and this model's chat template does not ask for it: leave it out.");
            }
        }

        return variables;
    }
}
