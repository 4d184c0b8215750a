using SpecDecode.AspNetCore.Wire;
using SpecDecode.Drafting;
using SpecDecode.Generation;

namespace SpecDecode.AspNetCore.Answers;

/// <summary>What the texts of a request took together.</summary>
/// <param name="choicesPerPrompt">How many texts share a prompt, which counts once.</param>
internal sealed class Tally(int choicesPerPrompt)
{
    private readonly Dictionary<int, int> _promptTokens = [];
    private readonly Dictionary<int, int> _cachedTokens = [];
    private int _completionTokens;
    private int _reasoningTokens;
    private long _accepted;
    private long _rejected;

    /// <summary>Notes a text that has ended.</summary>
    /// <param name="choice">Its index.</param>
    /// <param name="result">Its result.</param>
    /// <param name="reasoningTokens">How many of its tokens were reasoning.</param>
    public void Add(int choice, GenerationResult result, int reasoningTokens = 0)
    {
        DraftingStatistics drafting = result.Drafting;
        _promptTokens[choice / choicesPerPrompt] = result.PromptTokens;
        _cachedTokens[choice / choicesPerPrompt] = Math.Max(_cachedTokens.GetValueOrDefault(choice / choicesPerPrompt), result.CachedPromptTokens);
        _completionTokens += result.Tokens.Count;
        _reasoningTokens += reasoningTokens;
        _accepted += drafting.Accepted;
        _rejected += drafting.Discarded;
    }

    /// <summary>The sums.</summary>
    public Usage Usage => new()
    {
        PromptTokens = _promptTokens.Values.Sum(),
        CompletionTokens = _completionTokens,
        PromptTokensDetails = new PromptTokensDetails { CachedTokens = _cachedTokens.Values.Sum() },
        CompletionTokensDetails = new CompletionTokensDetails
        {
            ReasoningTokens = _reasoningTokens, AcceptedPredictionTokens = _accepted, RejectedPredictionTokens = _rejected,
        },
    };
}
