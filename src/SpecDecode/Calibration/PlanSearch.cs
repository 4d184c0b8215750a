using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using SpecDecode.Evaluation;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Calibration;

/// <summary>One method's search on the model itself. What it has tried before, in this run or in one that was cancelled, costs no time.</summary>
internal sealed class PlanSearch : IPlanSearch
{
    private readonly IStages _stages;
    private readonly TextSet _texts;
    private readonly BlockCosts _costs;
    private readonly MethodState _state;
    private readonly TimeSpan _limit;
    private readonly Action<double?> _tried;
    private readonly CancellationToken _cancellationToken;
    private readonly Dictionary<PlanCandidate, AgreementTally> _known = [];
    private readonly double _before;
    private readonly long _start = Stopwatch.GetTimestamp();
    private double? _best;

    /// <summary>Prepares a search; nothing runs yet.</summary>
    /// <param name="setting">The model and the options.</param>
    /// <param name="texts">The texts.</param>
    /// <param name="costs">What passes take.</param>
    /// <param name="state">What the method has tried already, to which is added.</param>
    /// <param name="limit">How long the method may search, all runs together. Its first batch is scored in any case.</param>
    /// <param name="tried">Told the best expected speed-up, after each batch.</param>
    /// <param name="cancellationToken">Ends the search between passes.</param>
    public PlanSearch(
        CalibrationSetting setting, TextSet texts, BlockCosts costs, MethodState state, TimeSpan limit, Action<double?> tried, CancellationToken cancellationToken)
    {
        _stages = setting.Stages;
        _texts = texts;
        _costs = costs;
        _state = state;
        _before = state.Seconds;
        _limit = limit;
        _tried = tried;
        _cancellationToken = cancellationToken;
        Seed = setting.Options.Seed;
        Weights = setting.Stages.DraftPrecision is null ? [WeightSet.Verifier] : [WeightSet.Drafter, WeightSet.Verifier];
        int ends = setting.Options.KeepEndLayers ? 1 : 0;
        Optional = [.. LayerPlan.Full(LayerCount).Blocks.Where(block => block.Layer >= ends && block.Layer < LayerCount - ends)];
        foreach (PlanState plan in state.Plans)
        {
            Know(Candidate(plan, LayerCount), AgreementTally.TryRestore(plan.Reached, plan.Agreed, CalibrationOptions.DraftLength)!);
        }
    }

    /// <inheritdoc/>
    public int LayerCount => _stages.LayerCount;

    /// <inheritdoc/>
    public IReadOnlyList<Block> Optional { get; }

    /// <inheritdoc/>
    public IReadOnlyList<WeightSet> Weights { get; }

    /// <inheritdoc/>
    public IReadOnlyList<int> Bridges => [.. Enumerable.Range(0, LayerCount).Where(layer => _stages.Bridges[layer] is not null)];

    /// <inheritdoc/>
    public IReadOnlyList<int> WithoutBridge { get; init; } = [];

    /// <inheritdoc/>
    public int Seed { get; }

    /// <summary>Whether a batch was refused.</summary>
    public bool WasEnded { get; private set; }

    /// <summary>A plan that was kept.</summary>
    public static PlanCandidate Candidate(PlanState plan, int layerCount) =>
        new(PlanText.TryParse(plan.Blocks, layerCount)!, plan.Draft ? WeightSet.Drafter : WeightSet.Verifier);

    /// <inheritdoc/>
    public double DraftRow(PlanCandidate plan) => _costs.DraftRow(plan);

    /// <inheritdoc/>
    public bool TryScore(IReadOnlyList<PlanCandidate> plans, [NotNullWhen(true)] out IReadOnlyList<PlanScore>? scores)
    {
        scores = null;
        PlanCandidate[] fresh = [.. plans.Where(plan => !_known.ContainsKey(plan)).Distinct()];
        if (fresh.Length > 0 && !TryJudge(fresh))
        {
            WasEnded = true;
            return false;
        }

        scores = [.. plans.Select(plan => Score(plan, _known[plan]))];
        return true;
    }

    /// <inheritdoc/>
    public bool TryLook(Action<IStages, IReadOnlyList<WrittenText>> look)
    {
        if (IsOver || !TryComplete())
        {
            WasEnded = true;
            return false;
        }

        look(_stages, _texts.Texts);
        Note();
        return true;
    }

    // A method is not left without any result, however little time there is.
    private bool IsOver => _cancellationToken.IsCancellationRequested || (_known.Count > 0 && Elapsed > _limit);

    private TimeSpan Elapsed => TimeSpan.FromSeconds(_before) + Stopwatch.GetElapsedTime(_start);

    private bool TryJudge(PlanCandidate[] plans)
    {
        if (IsOver || !TryComplete())
        {
            return false;
        }

        PlanAgreement agreement = new(_stages, plans, _texts.Texts, CalibrationOptions.DraftLength);
        while (!agreement.IsDone)
        {
            // What was judged on part of the texts does not compare with the rest.
            if (IsOver)
            {
                Note();
                return false;
            }

            agreement.Step();
        }

        for (int i = 0; i < plans.Length; i++)
        {
            AgreementTally tally = agreement.Of(i);
            Know(plans[i], tally);
            _state.Plans.Add(new PlanState(plans[i].Plan.ToString(), plans[i].Weights == WeightSet.Drafter, tally.Reached.ToArray(), tally.Agreed.ToArray()));
        }

        Note();
        _tried(_best);
        return true;
    }

    private bool TryComplete()
    {
        try
        {
            TextReading.Complete(_stages, _texts.Texts, _cancellationToken);
            return true;
        }
        catch (OperationCanceledException)
        {
            Note();
            return false;
        }
    }

    private void Know(PlanCandidate plan, AgreementTally tally)
    {
        _known[plan] = tally;
        _best = Math.Max(_best ?? double.NegativeInfinity, Score(plan, tally).Speedup);
    }

    private PlanScore Score(PlanCandidate plan, AgreementTally tally) => new(tally.Share, _costs.Of(plan, CalibrationOptions.DraftLength).Best(tally).Speedup);

    private void Note() => _state.Seconds = Elapsed.TotalSeconds;
}
