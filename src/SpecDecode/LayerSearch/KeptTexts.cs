using SpecDecode.Caching;
using SpecDecode.Evaluation;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;

namespace SpecDecode.LayerSearch;

/// <summary>
/// The last few texts that were written with the plan that is searched for, with their caches, which would be thrown away otherwise: what a search judges
/// plans on. Every other one is held out, for plans that did well on the others. They go as soon as somebody waits for their memory.
/// </summary>
/// <param name="budget">What their memory counts in.</param>
internal sealed class KeptTexts(KvBudget budget) : ICacheKeeper
{
    /// <summary>Most texts of each kind.</summary>
    private const int MostOfKind = 4;

    // Fewer new tokens are hardly a draft; of more the last ones count.
    private const int LeastTokens = 16;
    private const int MostTokens = 128;

    private readonly List<KeptText> _texts = [];
    private bool _isNextHeldOut;

    /// <summary>Whether texts are wanted.</summary>
    public bool IsOpen { get; set; }

    /// <summary>How many there are.</summary>
    public int Count => _texts.Count;

    /// <summary>Told of each sequence that drafted by the plan that is searched for, when it has ended.</summary>
    public Action<Sequence>? Ended { get; set; }

    /// <summary>Those of a kind, the oldest first.</summary>
    /// <param name="isHeldOut">Which kind.</param>
    public List<KeptText> Of(bool isHeldOut) => _texts.FindAll(text => text.IsHeldOut == isHeldOut);

    /// <summary>Whether a text is still there.</summary>
    public bool Has(KeptText text) => _texts.Contains(text);

    /// <inheritdoc/>
    public bool TryKeep(Sequence ended)
    {
        // Where constraints changed the logits, what the full model thinks says little about the text.
        if (ended.Drafting?.IsSearched != true || ended.Constraints is not null)
        {
            return false;
        }

        Ended?.Invoke(ended);
        if (!IsOpen || ended.NewTokens.Length < LeastTokens)
        {
            return false;
        }

        List<KeptText> kind = Of(_isNextHeldOut);
        if (kind.Count == MostOfKind)
        {
            if (kind.Find(text => !text.IsInUse) is not { } oldest)
            {
                return false;
            }

            Free(oldest);
        }

        int length = ended.Known.Length;
        WrittenText written = new(ended.TakeCache(), ended.Known, Math.Max(ended.PromptLength, length - MostTokens));
        _texts.Add(new KeptText(written, _isNextHeldOut));
        _isNextHeldOut = !_isNextHeldOut;
        return true;
    }

    /// <inheritdoc/>
    public bool GiveBack()
    {
        bool isAny = _texts.Count > 0;
        while (_texts.Count > 0)
        {
            Free(_texts[^1]);
        }

        return isAny;
    }

    private void Free(KeptText text)
    {
        _texts.Remove(text);
        text.Text.Cache.Dispose();
        budget.Note();
    }
}
