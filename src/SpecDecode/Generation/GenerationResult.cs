using System.Text;
using SpecDecode.Drafting;
using SpecDecode.Sequences;
using SpecDecode.Tokenizers;

namespace SpecDecode.Generation;

/// <summary>A text that has ended.</summary>
public sealed record GenerationResult
{
    /// <summary>Number of tokens in the prompt, special ones included.</summary>
    public required int PromptTokens { get; init; }

    /// <summary>Messages that were left out of the prompt, as <see cref="GenerationRequest.Overflow"/> allows.</summary>
    /// <value>0 by default.</value>
    public int DroppedMessages { get; init; }

    /// <summary>The new tokens; an end-of-sequence token that ended the text is the last of them.</summary>
    public required IReadOnlyList<int> Tokens { get; init; }

    /// <summary>
    /// What the new tokens add to the prompt's text, special tokens and the one that stopped it left out; null when the model has no tokenizer that
    /// can be used.
    /// </summary>
    public required string? Text { get; init; }

    /// <summary>Why it ended.</summary>
    public required FinishReason FinishReason { get; init; }

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
    internal static GenerationResult Of(Sequence sequence, TextTokenizer? tokenizer) => new()
    {
        PromptTokens = sequence.PromptLength,
        Tokens = sequence.NewTokens.ToArray(),
        Text = tokenizer is null ? null : TextOf(sequence, tokenizer),
        FinishReason = sequence.FinishReason!.Value,
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

    private static string TextOf(Sequence sequence, TextTokenizer tokenizer)
    {
        TokenTextStream stream = tokenizer.CreateStream(sequence.Prompt);
        StringBuilder text = new();
        foreach (int token in sequence.TextTokens)
        {
            text.Append(stream.Append(token));
        }

        return text.Append(stream.Flush()).ToString();
    }
}
