using System.Text;
using SpecDecode.Drafting;
using SpecDecode.Sampling;
using SpecDecode.Sequences;
using SpecDecode.Stops;

namespace SpecDecode.Generation;

/// <summary>A text that has ended.</summary>
public sealed record GenerationResult
{
    /// <summary>Number of tokens in the prompt, special ones included.</summary>
    public required int PromptTokens { get; init; }

    /// <summary>
    /// Tokens of the prompt that were found among the keys and values of texts that begin alike (<see cref="RuntimeOptions.PrefixCache"/>), so that they did not have to be
    /// read.
    /// </summary>
    /// <value>0 by default; less than <see cref="PromptTokens"/>.</value>
    public int CachedPromptTokens { get; init; }

    /// <summary>Messages that were left out of the prompt, as <see cref="GenerationRequest.Overflow"/> allows.</summary>
    /// <value>0 by default.</value>
    public int DroppedMessages { get; init; }

    /// <summary>The new tokens; an end-of-sequence token that ended the text is the last of them.</summary>
    public required IReadOnlyList<int> Tokens { get; init; }

    /// <summary>
    /// What the new tokens add to the prompt's text, up to a stop string that it came to, special tokens and the one that stopped it left out; null when the
    /// model has no tokenizer that can be used.
    /// </summary>
    public required string? Text { get; init; }

    /// <summary>Why it ended.</summary>
    public required FinishReason FinishReason { get; init; }

    /// <summary>The token that stopped it, an end of sequence or a stop token, which is the last of <see cref="Tokens"/>; null where none did.</summary>
    public int? StopToken { get; init; }

    /// <summary>The stop string that it came to; null where there was none.</summary>
    public string? StopString { get; init; }

    /// <summary>How probable each of <see cref="Tokens"/> was; null unless <see cref="GenerationRequest.LogProbabilities"/> asked for it.</summary>
    public IReadOnlyList<TokenLogProbability>? LogProbabilities { get; init; }

    /// <summary>
    /// How probable each token of the prompt was, the first left out; null unless <see cref="GenerationRequest.PromptLogProbabilities"/> asked for it, or where the
    /// text ended before the prompt was read.
    /// </summary>
    public IReadOnlyList<TokenLogProbability>? PromptLogProbabilities { get; init; }

    /// <summary>Which of the request's texts it is, from 0.</summary>
    public int Choice { get; init; }

    /// <summary>
    /// All texts that the request asked for (<see cref="GenerationRequest.Choices"/>), of which this is the first; empty where it asked for one.
    /// </summary>
    public IReadOnlyList<GenerationResult> Choices { get; init; } = [];

    /// <summary>What drafting did for it.</summary>
    public required DraftingStatistics Drafting { get; init; }

    /// <summary>What made it fail; null unless <see cref="FinishReason"/> is <see cref="FinishReason.Failed"/>.</summary>
    public Exception? Error { get; init; }

    /// <summary>From its coming to its admission: waiting for room.</summary>
    public required TimeSpan QueueTime { get; init; }

    /// <summary>From its admission to the first new token: reading the prompt.</summary>
    public required TimeSpan PrefillTime { get; init; }

    /// <summary>From the first new token to the last.</summary>
    public required TimeSpan DecodeTime { get; init; }

    /// <summary>
    /// New tokens after the first, which ends the reading of the prompt, over <see cref="DecodeTime"/>; null when there was none after the
    /// first.
    /// </summary>
    public double? TokensPerSecond => Tokens.Count > 1 && DecodeTime > TimeSpan.Zero ? (Tokens.Count - 1) / DecodeTime.TotalSeconds : null;

    /// <summary>The text, or without a tokenizer the tokens, and how it ended.</summary>
    public override string ToString()
    {
        string speed = TokensPerSecond is { } tokensPerSecond ? FormattableString.Invariant($", {tokensPerSecond:f1} tokens/s") : "";
        string reason = Error is null ? $"{FinishReason}" : $"{FinishReason}: {Error.Message}";
        return $"{Text ?? string.Join(' ', Tokens)} [{reason}; {Tokens.Count} tokens{speed}; {Drafting}]";
    }

    /// <summary>The result of a sequence that has ended.</summary>
    internal static GenerationResult Of(Sequence sequence, StopText? text) => new()
    {
        PromptTokens = sequence.PromptLength,
        CachedPromptTokens = sequence.CachedPromptTokens,
        Tokens = sequence.NewTokens.ToArray(),
        Text = text is null ? null : TextOf(sequence, text),
        FinishReason = sequence.FinishReason!.Value,
        StopToken = sequence.StopToken,
        StopString = sequence.StopString,
        LogProbabilities = LogOf(sequence.LogProbabilities, sequence.NewTokens, 0),
        PromptLogProbabilities = sequence.FirstTokenTimestamp == 0 ? null : LogOfPrompt(sequence),
        Error = sequence.Error,
        Drafting = sequence.Statistics,
        QueueTime = sequence.QueueTime,
        PrefillTime = sequence.PrefillTime,
        DecodeTime = sequence.DecodeTime,
    };

    /// <summary>The result of a request that was not begun.</summary>
    internal static GenerationResult Refused(Exception error) => new()
    {
        PromptTokens = 0,
        Tokens = [],
        Text = null,
        FinishReason = FinishReason.Failed,
        Error = error,
        Drafting = new DraftingStatistics(),
        QueueTime = TimeSpan.Zero,
        PrefillTime = TimeSpan.Zero,
        DecodeTime = TimeSpan.Zero,
    };

    /// <summary>How probable each token of a prompt was that has been read, the first left out; null where that was not asked for.</summary>
    internal static TokenLogProbability[]? LogOfPrompt(Sequence sequence) => LogOf(sequence.PromptLogProbabilities, sequence.Prompt, 1);

    private static TokenLogProbability[]? LogOf(LogProbabilityLog? log, ReadOnlySpan<int> tokens, int first)
    {
        if (log is null)
        {
            return null;
        }

        TokenLogProbability[] all = new TokenLogProbability[tokens.Length - first];
        for (int i = 0; i < all.Length; i++)
        {
            all[i] = log.Of(first + i, tokens[first + i]);
        }

        return all;
    }

    private static string TextOf(Sequence sequence, StopText stream)
    {
        StringBuilder text = new();
        foreach (int token in sequence.TextTokens)
        {
            text.Append(stream.Append(token));
        }

        return text.Append(stream.Flush()).ToString();
    }
}
