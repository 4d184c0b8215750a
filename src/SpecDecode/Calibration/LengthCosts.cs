using SpecDecode.Evaluation;

namespace SpecDecode.Calibration;

/// <summary>
/// What passes take behind texts of several lengths, and which plan is best at which of them (KnapSpec, 2602.20217). How often a plan agrees is taken to be the same at
/// all lengths.
/// </summary>
internal sealed class LengthCosts
{
    private readonly List<(int Length, BlockCosts Costs)> _all = [];

    /// <summary>The lengths, ascending, with the costs there.</summary>
    public IReadOnlyList<(int Length, BlockCosts Costs)> All => _all;

    /// <summary>Measures what is not known yet.</summary>
    /// <param name="setting">The model and the options.</param>
    /// <param name="state">What is known, to which is added.</param>
    /// <param name="left">How much time there is.</param>
    /// <param name="cancellationToken">Ends the work between passes.</param>
    public void Measure(CalibrationSetting setting, CalibrationState state, Func<TimeSpan> left, CancellationToken cancellationToken)
    {
        IReadOnlyList<int> lengths = setting.Options.Lengths;
        for (int i = 0; i < lengths.Count; i++)
        {
            if (!state.LengthTimes.TryGetValue(lengths[i], out BlockTimes? times))
            {
                times = BlockCosts.Measure(setting.Stages, CalibrationOptions.DraftLength, lengths[i], left() / (lengths.Count - i), cancellationToken).Times;
                state.LengthTimes.Add(lengths[i], times);
            }

            _all.Add((lengths[i], new BlockCosts(setting.Stages.LayerCount, times)));
        }
    }

    /// <summary>Of some plans the best at each length.</summary>
    /// <param name="plans">The plans and how they agreed; at least one.</param>
    public IEnumerable<PlanCandidate> Best(IReadOnlyList<(PlanCandidate Plan, AgreementTally Tally)> plans) =>
        _all.Select(at => plans.MaxBy(plan => Expected(at.Costs, plan.Plan, plan.Tally).Speedup).Plan).Distinct();

    /// <summary>Says of judged plans from which lengths on they are the best, where that is another one than before.</summary>
    /// <param name="plans">The plans, the best at the texts' own length first.</param>
    /// <param name="tallies">How they agreed, in their order.</param>
    /// <param name="notes">Told what changes, a sentence for each length.</param>
    public List<CalibratedPlan> Assign(IReadOnlyList<CalibratedPlan> plans, IReadOnlyList<AgreementTally> tallies, List<string> notes)
    {
        CalibratedPlan[] assigned = [.. plans];
        int before = 0;
        foreach ((int length, BlockCosts costs) in _all)
        {
            (ExpectedSpeedup Expected, int Plan) best = plans.Select((plan, i) => (Expected(costs, plan.Candidate, tallies[i]), i)).MaxBy(plan => plan.Item1.Speedup);
            notes.Add(string.Create(
                System.Globalization.CultureInfo.InvariantCulture,
                $"Behind {length} tokens a plain row takes {costs.Plain * 1e3:f3} ms, and the best plan is expected to bring {best.Expected.Speedup:f3}: {plans[best.Plan].Plan}{(best.Plan == before ? ", as before" : "")}."));
            if (best.Plan != before)
            {
                assigned[best.Plan] = assigned[best.Plan] with { FromLengths = [.. assigned[best.Plan].FromLengths, length] };
                before = best.Plan;
            }
        }

        return [.. assigned];
    }

    private static ExpectedSpeedup Expected(BlockCosts costs, PlanCandidate plan, AgreementTally tally) => costs.Of(plan, CalibrationOptions.DraftLength).Best(tally);
}
