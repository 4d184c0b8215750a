using SpecDecode.Calibration.Selectors;
using SpecDecode.Drafting;
using SpecDecode.Evaluation;
using SpecDecode.Stages;

namespace SpecDecode.Calibration;

/// <summary>
/// Finds which earlier exits should guess for a plan, one or two of them and how far: of all that there are those whose draft is expected to bring most. A cascade changes no
/// token of a draft, so how often drafts agree is the plan's own; what it changes is what a draft takes.
/// </summary>
/// <param name="stages">The model.</param>
/// <param name="texts">Held-out texts.</param>
/// <param name="costs">What blocks take.</param>
internal sealed class CascadeTrial(IStages stages, IReadOnlyList<WrittenText> texts, BlockCosts costs)
{
    // Exits that are looked at, in the first half of the plan.
    private const int MostExits = 8;

    // Rows behind which chances stand, where the time allows no more.
    private const int LeastRows = 64;

    private const int MostGuesses = 6;

    /// <summary>The best cascade of one exit below a plan, and the best of two.</summary>
    /// <param name="plan">The plan as it was judged without one.</param>
    /// <param name="tally">How it agreed.</param>
    /// <param name="goesOn">Whether there is time to look on.</param>
    /// <param name="cancellationToken">Ends it between passes.</param>
    public IEnumerable<CalibratedPlan> Find(CalibratedPlan plan, AgreementTally tally, Func<bool> goesOn, CancellationToken cancellationToken)
    {
        PlanCandidate candidate = plan.Candidate;
        int last = DraftCascade.LastExit(plan.Plan);
        int most = Math.Min(last, Math.Max(1, plan.Plan.Blocks.Length / 4));
        int[] exits = [.. Enumerable.Range(1, MostExits).Select(i => (int)Math.Round((double)i * most / MostExits)).Where(exit => exit > 0).Distinct()];
        if (exits.Length == 0)
        {
            yield break;
        }

        TextReading.Complete(stages, texts, cancellationToken);
        GuessAgreement agreement = new(stages, candidate, exits, texts, CalibrationOptions.DraftLength);
        while (!agreement.IsDone && (agreement.Rows < LeastRows || goesOn()))
        {
            cancellationToken.ThrowIfCancellationRequested();
            agreement.Step();
        }

        IReadOnlyList<double> verify = costs.Of(candidate, CalibrationOptions.DraftLength).Verify;
        int[] all = [.. Enumerable.Range(0, exits.Length)];
        foreach (IEnumerable<int[]> levels in (IEnumerable<int[]>[])[all.Select(i => new[] { i }), all.SelectMany(i => all.Where(j => j < i).Select(j => new[] { i, j }))])
        {
            CalibratedPlan[] cascades = [.. levels.SelectMany(level => Enumerable.Range(1, MostGuesses).Select(guesses => Make(level, guesses)))];
            if (cascades.MaxBy(cascade => cascade.ExpectedSpeedup) is { } best)
            {
                yield return best;
            }
        }

        CalibratedPlan Make(int[] level, int guesses)
        {
            double[] chances = [.. level.Select((guess, i) => agreement.Chance(guess, i == 0 ? exits.Length : level[i - 1]))];
            CascadeCosts cascade = new(costs, candidate, [.. level.Select(i => exits[i])], chances, guesses);
            ExpectedSpeedup expected = cascade.Best(tally, verify);
            return plan with
            {
                Method = CascadeSelector.MethodName, CascadeExits = [.. level.Select(i => exits[i]).Order()], CascadeLength = guesses,
                ExpectedSpeedup = expected.Speedup, DraftLength = expected.DraftLength,
                DraftRowCost = cascade.Draft(expected.DraftLength) / expected.DraftLength / costs.Plain, FromLengths = [],
            };
        }
    }
}
