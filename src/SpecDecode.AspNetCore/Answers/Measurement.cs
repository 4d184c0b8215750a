using SpecDecode.AspNetCore.Wire;
using SpecDecode.Drafting;
using SpecDecode.Generation;

namespace SpecDecode.AspNetCore.Answers;

/// <summary>What drafting did for a text, under the names that vLLM gives it.</summary>
internal static class Measurement
{
    /// <summary>The measurement.</summary>
    /// <param name="result">The text's result.</param>
    /// <param name="drafting">How it was drafted.</param>
    public static Metrics Of(GenerationResult result, DraftingOptions drafting)
    {
        IReadOnlyDictionary<int, IReadOnlyList<int>> rounds = result.Drafting.RoundsByDraftLength;
        SortedDictionary<int, int> all = [];
        SortedDictionary<int, IReadOnlyDictionary<int, int>> byLength = [];
        foreach ((int length, IReadOnlyList<int> counts) in rounds)
        {
            SortedDictionary<int, int> some = [];
            for (int accepted = 0; accepted < counts.Count; accepted++)
            {
                if (counts[accepted] > 0)
                {
                    some[accepted] = counts[accepted];
                    all[accepted] = all.GetValueOrDefault(accepted) + counts[accepted];
                }
            }

            byLength[length] = some;
        }

        int steps = all.Values.Sum();
        return new Metrics
        {
            SpeculativeDecoding = new SpeculativeDecoding
            {
                MeanAcceptanceLength = steps == 0 ? 1 : 1 + ((double)result.Drafting.Accepted / steps),
                DraftAcceptanceRate = result.Drafting.AcceptanceRate,
                AcceptanceHistogram = all,
                AcceptanceHistogramByDraftLength = byLength,
                SpecSteps = steps,
                AcceptedDraftTokens = result.Drafting.Accepted,
                DraftTokens = result.Drafting.Drafted,
                SpecTokens = drafting.IsNone ? null : drafting.DraftLength,
            },
        };
    }
}
