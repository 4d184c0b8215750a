using SpecDecode.Drafting;
using SpecDecode.Generation;

namespace Service;

/// <summary>What came of drafting a text, and how fast it was.</summary>
internal sealed record TextStatistics(
    int PromptTokens, int DroppedMessages, int OutputTokens, long Rounds, long Drafted, long Evaluated, long Accepted, IReadOnlyList<long> AcceptedPerPosition,
    double QueueMilliseconds, double FirstTokenMilliseconds, double? TokensPerSecond)
{
    public static TextStatistics Of(GenerationResult result)
    {
        DraftingStatistics drafting = result.Drafting;
        return new TextStatistics(
            result.PromptTokens, result.DroppedMessages, result.Tokens.Count, drafting.Rounds, drafting.Drafted, drafting.Evaluated, drafting.Accepted,
            drafting.AcceptedPerPosition, Math.Round(result.QueueTime.TotalMilliseconds, 1),
            Math.Round((result.QueueTime + result.PrefillTime).TotalMilliseconds, 1),
            result.TokensPerSecond is { } speed ? Math.Round(speed, 1) : null);
    }
}
