using System.Text;
using SpecDecode.AspNetCore.Wire;
using SpecDecode.Generation;
using SpecDecode.Sampling;
using SpecDecode.Tokenizers;

namespace SpecDecode.AspNetCore.Answers;

/// <summary>
/// Log probabilities of a text's tokens, given out with the text that they complete: what is held back since it may become a stop string, and what a stop string has
/// cut off, is told of no sooner than its text, and never.
/// </summary>
/// <param name="tokenizer">The model's; null where there is none, and tokens are told by their ids.</param>
internal sealed class LogprobFeed(TextTokenizer? tokenizer)
{
    // JSON has no infinity.
    private const float Least = -9999;

    private readonly int[] _context = tokenizer?.Encode("a", addSpecialTokens: false) ?? [];
    private readonly List<ChatLogprob> _held = [];

    /// <summary>Takes the next update.</summary>
    /// <returns>What is certain now.</returns>
    public List<ChatLogprob> Add(in GenerationUpdate update)
    {
        if (update.LogProbability is { } token && !(update.Result?.StopToken is not null))
        {
            _held.Add(Of(token));
        }

        bool isCut = update.Result?.StopString is not null && update.Text.Length == 0;
        List<ChatLogprob> certain = update.Text.Length > 0 || (update.Result is not null && !isCut) ? [.. _held] : [];
        if (certain.Count > 0 || update.Result is not null)
        {
            _held.Clear();
        }

        return certain;
    }

    /// <summary>Those of a text that is known as a whole.</summary>
    public IEnumerable<ChatLogprob> Whole(GenerationResult result)
    {
        int length = 0;
        foreach (TokenLogProbability token in result.LogProbabilities?.Take(result.Tokens.Count - (result.StopToken is null ? 0 : 1)) ?? [])
        {
            ChatLogprob one = Of(token);
            length += one.Token.Length;
            if (result.StopString is not null && length > result.Text?.Length)
            {
                yield break;
            }

            yield return one;
        }
    }

    /// <summary>The same in columns.</summary>
    /// <param name="tokens">The tokens.</param>
    /// <param name="offset">Where the first begins in the text.</param>
    public static CompletionLogprobs Columns(List<ChatLogprob> tokens, ref int offset)
    {
        List<int> offsets = new(tokens.Count);
        foreach (ChatLogprob token in tokens)
        {
            offsets.Add(offset);
            offset += token.Token.Length;
        }

        return new CompletionLogprobs
        {
            Tokens = [.. tokens.Select(token => token.Token)],
            TokenLogprobs = [.. tokens.Select(token => token.Logprob)],
            TopLogprobs = [.. tokens.Select(Top)],
            TextOffset = offsets,
        };
    }

    // Two tokens may have one text: the more probable one stands.
    private static Dictionary<string, float> Top(ChatLogprob token)
    {
        Dictionary<string, float> top = new(StringComparer.Ordinal);
        foreach (ChatLogprob one in token.Top ?? [])
        {
            top.TryAdd(one.Token, one.Logprob);
        }

        return top;
    }

    private ChatLogprob Of(TokenLogProbability token) =>
        Of(token.Token, token.LogProbability) with { Top = [.. token.Top.Select(top => Of(top.Token, top.LogProbability))] };

    private ChatLogprob Of(int token, float logProbability)
    {
        string text = Text(token);
        return new ChatLogprob
        {
            Token = text, Logprob = float.IsFinite(logProbability) ? logProbability : Least,
            Bytes = text.Contains('\uFFFD', StringComparison.Ordinal) ? null : [.. Encoding.UTF8.GetBytes(text).Select(one => (int)one)],
        };
    }

    // Behind another token, where a word keeps the space before it; a control token as it is spelled.
    private string Text(int token)
    {
        if (tokenizer is null)
        {
            return FormattableString.Invariant($"{token}");
        }

        TokenTextStream stream = tokenizer.CreateStream(_context);
        string text = stream.Append(token) + stream.Flush();
        return text.Length > 0 ? text : tokenizer.Decode([token], skipSpecialTokens: false);
    }
}
