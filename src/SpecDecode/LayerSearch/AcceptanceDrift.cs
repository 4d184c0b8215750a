using SpecDecode.Drafting;

namespace SpecDecode.LayerSearch;

/// <summary>Notices when draft tokens are accepted more or less often than they were.</summary>
internal sealed class AcceptanceDrift
{
    // What is seen fades over so many judged tokens, and is believed once there were as many.
    private const double Memory = 500;

    // So far the share must be from what it was.
    private const double LeastChange = 0.12;

    private double _accepted;
    private double _evaluated;
    private double? _marked;
    private bool _isToBeMarked;

    /// <summary>The share of judged tokens that were accepted; null where too few were judged.</summary>
    public double? Share => _evaluated >= Memory / 2 ? _accepted / _evaluated : null;

    /// <summary>Forgets everything: another plan drafts.</summary>
    public void Clear()
    {
        _accepted = _evaluated = 0;
        _marked = null;
        _isToBeMarked = false;
    }

    /// <summary>Takes the share as it is now, or as soon as it is known, for what it is to be.</summary>
    public void Mark()
    {
        _marked = Share;
        _isToBeMarked = _marked is null;
    }

    /// <summary>Takes in what became of a text's drafts.</summary>
    /// <returns>Whether the share is no longer what it was when it was marked; then it is marked anew.</returns>
    public bool Note(DraftingStatistics text)
    {
        double keep = Math.Exp(-text.Evaluated / Memory);
        _accepted = keep * _accepted + text.Accepted;
        _evaluated = keep * _evaluated + text.Evaluated;
        if (_isToBeMarked)
        {
            Mark();
        }

        if (_marked is { } marked && Share is { } share && Math.Abs(share - marked) > LeastChange)
        {
            Clear();
            return true;
        }

        return false;
    }
}
