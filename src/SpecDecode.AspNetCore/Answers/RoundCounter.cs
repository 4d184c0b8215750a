using SpecDecode.AspNetCore.Wire;
using SpecDecode.Drafting;
using SpecDecode.Generation;

namespace SpecDecode.AspNetCore.Answers;

/// <summary>Counts a text's rounds by how many draft tokens each had accepted, from how its tokens came.</summary>
internal sealed class RoundCounter
{
    private readonly SortedDictionary<int, long> _rounds = [];
    private int _accepted;

    /// <summary>Notes a token.</summary>
    public void Add(TokenSource source)
    {
        if (source is TokenSource.AcceptedDraft or TokenSource.Forced)
        {
            _accepted++;
        }
        else if (source is TokenSource.Correction or TokenSource.Bonus || _accepted > 0)
        {
            End();
        }
    }

    /// <summary>What drafting did for the text, which has ended.</summary>
    /// <param name="result">The text's result.</param>
    /// <param name="drafting">How it was drafted.</param>
    public SpeculativeDecoding Count(GenerationResult result, DraftingOptions drafting)
    {
        if (_accepted > 0)
        {
            // The text ended inside the draft.
            End();
        }

        long steps = _rounds.Values.Sum();
        return new SpeculativeDecoding
        {
            MeanAcceptanceLength = steps == 0 ? 1 : 1 + ((double)result.Drafting.Accepted / steps),
            DraftAcceptanceRate = result.Drafting.AcceptanceRate,
            AcceptanceHistogram = _rounds,
            SpecSteps = steps,
            AcceptedDraftTokens = result.Drafting.Accepted,
            DraftTokens = result.Drafting.Drafted,
            SpecTokens = drafting.Strategy == DraftingStrategy.None && drafting.Profile is null ? null : drafting.DraftLength,
        };
    }

    private void End()
    {
        _rounds[_accepted] = _rounds.GetValueOrDefault(_accepted) + 1;
        _accepted = 0;
    }
}
