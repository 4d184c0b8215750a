using SpecDecode.Caching;

namespace SpecDecode.Evaluation;

/// <summary>A text that the full model has written, with what it has left in a cache that nobody needs any more.</summary>
/// <param name="Cache">Exact entries of at least all tokens but the last. Whoever evaluates rolls it back; it stays the caller's to free.</param>
/// <param name="Tokens">Prompt and new tokens.</param>
/// <param name="PromptLength">How many of them are the prompt. The first new token comes with it, so drafts begin behind that.</param>
internal sealed record WrittenText(KvCache Cache, ReadOnlyMemory<int> Tokens, int PromptLength)
{
    /// <summary>The first position at which a draft can begin: that of the first new token.</summary>
    public int FirstStart => PromptLength;

    /// <summary>The last such position: behind it one token is left to be drafted.</summary>
    public int LastStart => Tokens.Length - 2;
}
