using SpecDecode.Drafting;
using SpecDecode.Plans;
using SpecDecode.Tests.Drafting;

namespace SpecDecode.Tests.Sampling;

/// <summary>A way of deciding that keeps the distribution.</summary>
public enum LawfulPolicy
{
    /// <summary>Ends a draft behind a token that the drafter is not sure of, or that is odd: the token itself is judged.</summary>
    Confidence,

    /// <summary>Any length, none among them.</summary>
    Lengths,

    /// <summary>Proposes tokens by their place in the text, often wrong ones, and drafts behind them.</summary>
    Proposing,

    /// <summary>The product's own, by a clock that the test winds.</summary>
    Auto,

    /// <summary>Ends a draft behind a token that is less probable than a threshold, which follows what is accepted.</summary>
    AdaptiveThreshold,

    /// <summary>Ends a draft behind a token that the drafter is not sure of.</summary>
    ConfidenceStop,

    /// <summary>The product's own without a drafter: what the text proposes, where a row costs little.</summary>
    Lookup,

    /// <summary>The product's own where rows cost nearly nothing and the drafter's passes something, so that it drafts behind what a text with forms proposes.</summary>
    Mixed,
}

/// <summary>A lawful policy, and what it did, for the <see cref="MarkovStages"/>. Draws from a seed, so that a test has one outcome.</summary>
internal sealed class NotedPolicy : IDraftPolicy
{
    private static readonly DraftPlan Exit = new() { Plan = LayerPlan.EarlyExit(2, 1) };

    private readonly LawfulPolicy _kind;
    private readonly Random _random = new(9);
    private readonly ModelDrafting _model = new(layerCount: 2, hasDraftWeights: false);
    private readonly IDraftPolicy? _own;

    public NotedPolicy(LawfulPolicy kind)
    {
        _kind = kind;
        _own = kind switch
        {
            LawfulPolicy.Auto or LawfulPolicy.Lookup => new ScriptedClock(_model.Auto, pass => 10 + pass.Rows, rows => 100 + (IsAuto ? 3 : 0.1) * rows),
            LawfulPolicy.Mixed => new ScriptedClock(_model.Auto, pass => 25 + 0.1 * pass.Rows, rows => 100 + 0.1 * rows),
            LawfulPolicy.AdaptiveThreshold => new AdaptiveThresholdPolicy(),
            LawfulPolicy.ConfidenceStop => new ConfidenceStopPolicy(0.4f),
            _ => null,
        };
    }

    private bool IsAuto => _kind == LawfulPolicy.Auto;

    public int Drafted { get; private set; }

    public int Proposed { get; private set; }

    public int Accepted { get; private set; }

    /// <summary>Drafts with proposed tokens and drafted ones behind them.</summary>
    public int GoneOn { get; private set; }

    /// <summary>Those of them with one of the latter accepted.</summary>
    public int AcceptedBehind { get; private set; }

    public SequenceDrafting Drafting() => new(this, _kind is LawfulPolicy.Auto or LawfulPolicy.Mixed ? _model.Candidates : _kind == LawfulPolicy.Lookup ? [] : [Exit], _kind == LawfulPolicy.Mixed ? 12 : 6);

    public void Plan(DraftStep drafts)
    {
        if (_own is not null)
        {
            _own.Plan(drafts);
            return;
        }

        foreach (SequenceDraft draft in drafts.Drafts)
        {
            int length = _kind == LawfulPolicy.Confidence ? draft.Limit : _random.Next(draft.Limit + 1);
            if (_kind == LawfulPolicy.Proposing)
            {
                int proposed = Math.Min(_random.Next(3), draft.Limit);
                draft.Propose([.. Enumerable.Range(draft.Tokens.Length, proposed).Select(place => place * 5 % MarkovStages.Vocabulary)]);
            }

            if (length > 0)
            {
                draft.Choose(draft.Plans[0], length);
            }
        }
    }

    public void AfterPass(DraftStep drafts, DraftPass pass)
    {
        _own?.AfterPass(drafts, pass);

        foreach (SequenceDraft draft in drafts.Drafts)
        {
            if (_kind == LawfulPolicy.Confidence && draft.IsInPass && (draft.Confidences[^1] < 0.2f || draft.Draft[^1] % 2 == 1))
            {
                draft.Stop();
            }
        }
    }

    public void Observe(DraftStep drafts)
    {
        _own?.Observe(drafts);

        foreach (SequenceDraft draft in drafts.Drafts)
        {
            Drafted += draft.Length;
            Proposed += draft.Proposed;
            Accepted += draft.Accepted;
            bool goesOn = draft.Proposed > 0 && draft.Length > draft.Proposed;
            GoneOn += goesOn ? 1 : 0;
            AcceptedBehind += goesOn && draft.Accepted > draft.Proposed ? 1 : 0;
        }
    }
}

/// <summary>
/// Remembers what the drafter drew for the next place although it was never judged, and drafts there again only where it was a low id. The
/// number that it was drawn by is used again, so low ids come from the drafter and high ones from the model.
/// </summary>
internal sealed class CheatingPolicy : IDraftPolicy
{
    public void Plan(DraftStep drafts)
    {
        foreach (SequenceDraft draft in drafts.Drafts)
        {
            if (draft.State is not int drawn || drawn < MarkovStages.Vocabulary / 2)
            {
                draft.Choose(draft.Plans[0], draft.Limit);
            }
        }
    }

    public void AfterPass(DraftStep drafts, DraftPass pass)
    {
    }

    public void Observe(DraftStep drafts)
    {
        foreach (SequenceDraft draft in drafts.Drafts)
        {
            draft.State = draft.Accepted + 1 < draft.Length ? draft.Draft[draft.Accepted + 1] : null;
        }
    }
}
