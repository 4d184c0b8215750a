using System.Text;
using SpecDecode.AspNetCore.Requests;
using SpecDecode.AspNetCore.Wire;
using SpecDecode.Generation;
using SpecDecode.Replies;
using SpecDecode.Tokenizers;

namespace SpecDecode.AspNetCore.Answers;

/// <summary>One answer to a chat while it is written: text, reasoning and calls told apart, and its tokens counted.</summary>
/// <param name="request">The request.</param>
/// <param name="tokenizer">The model's tokenizer.</param>
internal sealed class ChatText(ChatRequest request, TextTokenizer? tokenizer)
{
    private readonly ReplyParser _parser = request.CreateParser();
    private readonly LogprobFeed? _logprobs = request.Request.LogProbabilities is null ? null : new LogprobFeed(tokenizer);
    private readonly StringBuilder _text = new();
    private readonly StringBuilder _reasoning = new();
    private readonly List<AnswerToolCall> _calls = [];

    /// <summary>Its tokens and how they came.</summary>
    public List<AnswerToken> Tokens { get; } = [];

    /// <summary>How probable they were, as far as that may be told; empty where it was not asked for.</summary>
    public List<ChatLogprob> Logprobs { get; } = [];

    /// <summary>How many of its tokens were reasoning.</summary>
    public int ReasoningTokens { get; private set; }

    /// <summary>Takes the next update.</summary>
    /// <returns>What is new, a delta for each piece.</returns>
    public List<AnswerDelta> Add(in GenerationUpdate update)
    {
        if (update.Token is { } token)
        {
            ReasoningTokens += _parser.IsReasoning ? 1 : 0;
            Tokens.Add(new AnswerToken { Id = token, Text = update.Text, Source = AnswerToken.Word(update.Source) });
        }

        Logprobs.AddRange(_logprobs?.Add(update).Select(one => one.Token) ?? []);
        List<AnswerDelta> deltas = [.. _parser.Append(update.Text, update.Token).Select(Delta)];
        if (update.Result is not null)
        {
            deltas.AddRange(_parser.Complete().Select(Delta));
        }

        return deltas;
    }

    /// <summary>Why it ended, in OpenAI's words.</summary>
    public string FinishReason(GenerationResult result) => _calls.Count > 0 && result.FinishReason == SpecDecode.FinishReason.Stop ? "tool_calls" : Finish.Word(result);

    /// <summary>The whole message.</summary>
    public AnswerMessage Message => new()
    {
        Content = _text.Length > 0 || _calls.Count == 0 ? _text.ToString() : null,
        ReasoningContent = _reasoning.Length > 0 ? _reasoning.ToString() : null,
        ToolCalls = _calls.Count > 0 ? _calls : null,
    };

    private AnswerDelta Delta(ReplyPart part)
    {
        if (part.Call is { } call)
        {
            AnswerToolCall answer = new()
            {
                Id = request.Format.NewCallId(), Function = new AnswerFunction { Name = call.Name, Arguments = call.Arguments },
            };
            _calls.Add(answer);
            return new AnswerDelta { ToolCalls = [answer with { Index = _calls.Count - 1 }] };
        }

        (part.Kind == ReplyPartKind.Reasoning ? _reasoning : _text).Append(part.Text);
        return part.Kind == ReplyPartKind.Reasoning ? new AnswerDelta { ReasoningContent = part.Text } : new AnswerDelta { Content = part.Text };
    }
}
