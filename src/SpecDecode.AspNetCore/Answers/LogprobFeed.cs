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
/// <param name="start">Where the first new token begins in the choice's text, in UTF-16 units.</param>
internal sealed class LogprobFeed(TextTokenizer? tokenizer, int start = 0)
{
    // JSON has no infinity.
    private const float Least = -9999;

    private readonly int[] _context = tokenizer?.Encode("a", addSpecialTokens: false) ?? [];
    private readonly List<PlacedLogprob> _held = [];
    private TokenTextStream? _text;
    private int _length;

    /// <summary>Takes the next update.</summary>
    /// <returns>What is certain now.</returns>
    public List<PlacedLogprob> Add(in GenerationUpdate update)
    {
        if (update.LogProbability is { } token && !(update.Result?.StopToken is not null))
        {
            _held.Add(Next(token));
        }

        bool isCut = update.Result?.StopString is not null && update.Text.Length == 0;
        List<PlacedLogprob> certain = update.Text.Length > 0 || (update.Result is not null && !isCut) ? [.. _held] : [];
        if (certain.Count > 0 || update.Result is not null)
        {
            _held.Clear();
        }

        return certain;
    }

    /// <summary>Those of a text that is known as a whole.</summary>
    public IEnumerable<PlacedLogprob> Whole(GenerationResult result)
    {
        foreach (TokenLogProbability token in result.LogProbabilities?.Take(result.Tokens.Count - (result.StopToken is null ? 0 : 1)) ?? [])
        {
            PlacedLogprob one = Next(token);
            if (result.StopString is not null && _length > result.Text?.Length)
            {
                yield break;
            }

            yield return one;
        }
    }

    /// <summary>Those of a prompt that is a part of the choice's text.</summary>
    /// <param name="first">Its first token, of which nothing is known but its text.</param>
    /// <param name="others">All others.</param>
    public IEnumerable<PlacedLogprob> Prompt(int first, IReadOnlyList<TokenLogProbability> others)
    {
        TokenTextStream? text = tokenizer?.CreateStream();
        int length = text?.Append(first).Length ?? 0;
        yield return new PlacedLogprob(Of(first, 0), 0, IsScored: false);
        foreach (TokenLogProbability token in others)
        {
            // A text that its tokens do not spell to the letter still ends where it ends.
            yield return new PlacedLogprob(Of(token), Math.Min(length, start));
            length += text?.Append(token.Token).Length ?? 0;
        }
    }

    /// <summary>The same in columns.</summary>
    public static CompletionLogprobs Columns(IReadOnlyList<PlacedLogprob> tokens) => new()
    {
        Tokens = [.. tokens.Select(one => one.Token.Token)],
        TokenLogprobs = [.. tokens.Select(one => one.IsScored ? one.Token.Logprob : (float?)null)],
        TopLogprobs = [.. tokens.Select(one => one.IsScored ? Top(one.Token) : null)],
        TextOffset = [.. tokens.Select(one => one.Offset)],
    };

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

    // The next new token, at its place: where the text ends that is complete before it.
    private PlacedLogprob Next(TokenLogProbability token)
    {
        _text ??= tokenizer?.CreateStream(_context);
        PlacedLogprob placed = new(Of(token), start + _length);
        _length += _text?.Append(token.Token).Length ?? 0;
        return placed;
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
