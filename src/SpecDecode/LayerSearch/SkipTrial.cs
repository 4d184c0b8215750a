using SpecDecode.Caching;
using SpecDecode.Evaluation;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.LayerSearch;

/// <summary>
/// Some plans judged on some texts, a pass at a time: text after text, each by all plans, so that they stay comparable whatever text goes in between.
/// Afterwards the full model reads a text again, so that the next trial finds it as it was.
/// </summary>
internal sealed class SkipTrial
{
    // A pass has so many rows at most: hardly more than a round has.
    private const int ReadRows = 8;

    private readonly IStages _stages;
    private readonly KeptTexts _kept;
    private readonly Queue<KeptText> _texts;
    private readonly PlanCandidate[] _plans;
    private readonly List<CacheTransaction.Entry> _enlisted = [];
    private readonly RowBatch _batch;
    private readonly LayerPlan _full;
    private PlanAgreement? _agreement;

    /// <summary>Takes the texts into use.</summary>
    /// <param name="stages">The model.</param>
    /// <param name="kept">Where the texts are from; they may go from there at any time.</param>
    /// <param name="texts">The texts.</param>
    /// <param name="plans">The plans; at least one.</param>
    public SkipTrial(IStages stages, KeptTexts kept, IReadOnlyList<KeptText> texts, IReadOnlyList<PlanCandidate> plans)
    {
        _stages = stages;
        _kept = kept;
        _texts = new Queue<KeptText>(texts);
        _plans = [.. plans];
        _batch = new RowBatch(stages.MaxRows);
        _full = LayerPlan.Full(stages.LayerCount);
        Tallies = [.. plans.Select(_ => new AgreementTally(Math.Min(PlanAgreement.DefaultLength, stages.MaxRows)))];
        foreach (KeptText text in texts)
        {
            text.IsInUse = true;
        }
    }

    /// <summary>How often each plan agreed.</summary>
    public AgreementTally[] Tallies { get; }

    /// <summary>Whether all texts that are still there were judged by all plans.</summary>
    public bool IsDone => _texts.Count == 0;

    /// <summary>Runs a pass, or finds that the text in work has gone.</summary>
    public void Step()
    {
        KeptText text = _texts.Peek();
        if (!_kept.Has(text))
        {
            Next();
        }
        else if (_agreement is null)
        {
            _agreement = new PlanAgreement(_stages, _plans, [text.Text]);
        }
        else if (!_agreement.IsDone)
        {
            _agreement.Step();
        }
        else if (text.Text.Cache.CommittedLength < text.Text.Tokens.Length - 1)
        {
            Read(text.Text);
        }
        else
        {
            for (int i = 0; i < _plans.Length; i++)
            {
                Tallies[i].Add(_agreement.Of(i));
            }

            Next();
        }
    }

    private void Next()
    {
        _texts.Dequeue().IsInUse = false;
        _agreement = null;
    }

    private void Read(WrittenText text)
    {
        using CacheTransaction transaction = new(_enlisted);
        int from = text.Cache.CommittedLength;
        int rows = Math.Min(Math.Min(ReadRows, _stages.MaxRows), text.Tokens.Length - 1 - from);
        int place = transaction.Enlist(text.Cache, rows);
        _batch.Clear();
        _batch.Add(text.Cache, from, text.Tokens.Span.Slice(from, rows));
        _stages.Embed(_batch);
        Pass.Run(_stages, _full.Blocks.AsSpan(), _batch);
        transaction.Keep(place, from + rows);
        transaction.Commit();
    }
}
