using SpecDecode.Calibration;
using SpecDecode.Drafting;
using SpecDecode.Evaluation;
using SpecDecode.Plans;
using SpecDecode.Sequences;
using SpecDecode.Stages;

namespace SpecDecode.LayerSearch;

/// <summary>
/// The search of SWIFT (2410.06916) for blocks that a drafter can leave out, while the model serves, a pass at a time. Sets are judged by the tokens per second
/// that they promise (<see cref="PlanCosts.Best"/>) on texts that the model has just written; the paper goes by agreement alone and skips a fixed share. One that does
/// better than the plan in use, on the same texts, is judged again on texts that were held out, and adopted where it does better there too. Belongs to the thread
/// that runs the steps.
/// </summary>
internal sealed class SwiftSearch : IDisposable
{
    // Plans of a trial, the one in use among them.
    private const int PlansOfTrial = 6;

    // Of those that did better so many are judged again.
    private const int PlansToConfirm = 2;

    // A plan is better that promises so much more.
    private const double LeastGain = 1.005;

    // So many tries without a better one end the search (as in the paper).
    private const int MostStale = 300;

    // In every so many-th trial the sets come from CLaSp's table.
    private const int TableInterval = 8;

    // The tokens that it is filled at, one trial after the other.
    private const int TableStride = 7;

    private const int Seed = 1;

    private const int CostTurns = 4;
    private const int CostPast = 64;

    private static readonly int[] CostRows = [1, 3, 9];

    private readonly IStages _stages;
    private readonly SearchedPlan _plan;
    private readonly KeptTexts _texts;
    private readonly AcceptanceDrift _drift = new();
    private readonly Block[] _optional;
    private readonly SkipProposals _proposals;
    private readonly Queue<bool[]> _challengers = [];
    private readonly int[] _optionalLayers;
    private SkipTable? _table;
    private int _trials;
    private CostMeasurement? _measurement;
    private BlockCosts? _costs;
    private SkipTrial? _trial;
    private bool _isConfirming;
    private bool[][] _sets = [];
    private bool[] _best;
    private int _stale;
    private long _tried;
    private int _adopted;
    private double? _expected;

    /// <summary>Begins with the plan that there is.</summary>
    /// <param name="stages">The model.</param>
    /// <param name="plan">The plan, of a model with layers to leave out.</param>
    /// <param name="texts">The texts that plans are judged on.</param>
    /// <param name="costs">What passes take; null measures it first.</param>
    public SwiftSearch(IStages stages, SearchedPlan plan, KeptTexts texts, BlockCosts? costs = null)
    {
        _costs = costs;
        _stages = stages;
        _plan = plan;
        _texts = texts;
        _texts.Ended = Observe;
        _texts.IsOpen = true;
        _optional = [.. LayerPlan.Full(stages.LayerCount).Blocks.Where(block => block.Layer > 0 && block.Layer < stages.LayerCount - 1)];
        _optionalLayers = [.. _optional.Select(block => block.Layer).Distinct()];
        _proposals = new SkipProposals(_optional.Length, new Random(Seed));
        ReadOnlySpan<Block> blocks = plan.Plans[0].Plan.Blocks.AsSpan();
        _best = new bool[_optional.Length];
        for (int i = 0; i < _best.Length; i++)
        {
            _best[i] = !blocks.Contains(_optional[i]);
        }
    }

    /// <summary>Whether there is anything to do now.</summary>
    public bool HasWork => !IsResting && (_trial is not null || _texts.Of(isHeldOut: false).Count > 0);

    private bool IsResting => _stale >= MostStale;

    /// <summary>How far it has come.</summary>
    /// <param name="time">Time that it took.</param>
    public LayerSearchState State(TimeSpan time) => new()
    {
        SkippedAttention = Layers(BlockKind.Attention), SkippedMlp = Layers(BlockKind.Mlp), Tried = _tried, Adopted = _adopted, ExpectedSpeedup = _expected, IsResting = IsResting, Time = time,
    };

    /// <summary>Gives up what cannot go on once something else has run on the model.</summary>
    public void Interrupt()
    {
        _table?.Dispose();
        _table = null;
    }

    /// <summary>Runs a pass, or what lies between two.</summary>
    /// <param name="isIdle">Whether nothing else runs on the model before the next call, unless <see cref="Interrupt"/> is called.</param>
    /// <returns>Whether another plan was adopted.</returns>
    public bool Step(bool isIdle = true)
    {
        if (_costs is null)
        {
            Measure();
            return false;
        }

        if (_trial is null)
        {
            if (_table is not null)
            {
                Fill(_table);
            }
            else
            {
                Begin(isIdle);
            }

            return false;
        }

        if (!_trial.IsDone)
        {
            _trial.Step();
            return false;
        }

        SkipTrial done = _trial;
        _trial = null;
        return _isConfirming ? Confirm(done, _costs) : Choose(done, _costs);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Interrupt();
        _texts.IsOpen = false;
        _texts.GiveBack();
        _measurement?.Dispose();
    }

    private void Measure()
    {
        _measurement ??= new CostMeasurement(_stages, CostRows, PlanAgreement.DefaultLength, CostPast);
        _measurement.Step();
        if (_measurement.Turns == CostTurns)
        {
            _costs = _measurement.Result();
            _measurement.Dispose();
            _measurement = null;
        }
    }

    private void Begin(bool isIdle)
    {
        List<KeptText> heldOut = _texts.Of(isHeldOut: true);
        _isConfirming = _challengers.Count > 0 && heldOut.Count > 0;
        List<KeptText> texts = _isConfirming ? heldOut : _texts.Of(isHeldOut: false);
        if (!_isConfirming && ++_trials % TableInterval == 0 && isIdle && texts.FindLast(text => text.Text.IsComplete) is { } latest)
        {
            _table = SkipTable.Open(_stages, _plan.Weights, [latest.Text], _trials / TableInterval * TableStride, _optionalLayers);
            if (_table is not null)
            {
                return;
            }
        }

        List<bool[]> others = _isConfirming ? [.. _challengers] : _proposals.Next(_best, PlansOfTrial - 1);
        _challengers.Clear();
        if (others.Count == 0)
        {
            // All neighbours were tried.
            _stale = MostStale;
            Rest();
            return;
        }

        Begin(others, texts);
    }

    private void Begin(List<bool[]> others, List<KeptText> texts)
    {
        _sets = [_best, .. others];
        _trial = new SkipTrial(_stages, _texts, texts, [.. _sets.Select(Candidate)]);
    }

    // Sets of CLaSp's table, of sizes that lie evenly.
    private void Fill(SkipTable table)
    {
        if (table.Step())
        {
            return;
        }

        Interrupt();
        List<bool[]> sets = [.. table.Result!.Select(layers => _optional.Select(block => layers.Contains(block.Layer)).ToArray()).Where(_proposals.IsNew)];
        sets = [.. sets.Where((_, i) => i * (PlansOfTrial - 1) / sets.Count != (i - 1) * (PlansOfTrial - 1) / sets.Count || i == 0).Take(PlansOfTrial - 1)];
        List<KeptText> texts = _texts.Of(isHeldOut: false);
        if (sets.Count > 0 && texts.Count > 0)
        {
            Begin(sets, texts);
        }
    }

    // Those that promise more than the plan in use are judged again.
    private bool Choose(SkipTrial trial, BlockCosts costs)
    {
        double[] scores = Scores(trial, costs);
        if (trial.Tallies[0].Drafts == 0)
        {
            return false;
        }

        _expected = scores[0];
        for (int i = 1; i < _sets.Length; i++)
        {
            // Texts change and with them what the plan in use comes to: the others are believed relative to it.
            _proposals.Note(_sets[i], scores[i] / scores[0]);
            _tried++;
            _stale++;
        }

        foreach (int better in Enumerable.Range(1, _sets.Length - 1).Where(i => scores[i] > LeastGain * scores[0]).OrderByDescending(i => scores[i]).Take(PlansToConfirm))
        {
            _challengers.Enqueue(_sets[better]);
        }

        Rest();
        return false;
    }

    private bool Confirm(SkipTrial trial, BlockCosts costs)
    {
        double[] scores = Scores(trial, costs);
        int best = Enumerable.Range(1, _sets.Length - 1).MaxBy(i => scores[i]);
        if (trial.Tallies[0].Drafts == 0 || scores[best] <= LeastGain * scores[0])
        {
            return false;
        }

        _best = _sets[best];
        _expected = scores[best];
        _stale = 0;
        _adopted++;
        _drift.Clear();
        _plan.Adopt(Layers(BlockKind.Attention), Layers(BlockKind.Mlp));
        return true;
    }

    private double[] Scores(SkipTrial trial, BlockCosts costs) =>
        [.. _sets.Select((set, i) => costs.Of(Candidate(set), PlanAgreement.DefaultLength).Best(trial.Tallies[i]).Speedup)];

    private void Rest()
    {
        if (IsResting)
        {
            _texts.IsOpen = false;
            _texts.GiveBack();
            _drift.Mark();
        }
    }

    // Acceptance that is not what it was when the search came to rest calls for another plan.
    private void Observe(Sequence ended)
    {
        if (_drift.Note(ended.Statistics) && IsResting)
        {
            _stale = 0;
            _proposals.Forget();
            _texts.IsOpen = true;
        }
    }

    private int[] Layers(BlockKind kind) =>
        [.. Enumerable.Range(0, _best.Length).Where(i => _best[i] && _optional[i].Kind == kind).Select(i => _optional[i].Layer)];

    private PlanCandidate Candidate(bool[] skipped) => SkipSets.Candidate(_stages.LayerCount, _plan.Weights, _optional.Where((_, i) => skipped[i]).ToHashSet());
}
