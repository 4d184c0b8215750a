using System.Diagnostics.CodeAnalysis;

namespace SpecDecode.Drafting;

/// <summary>
/// The chance that a draft token is accepted, from the drafter's confidence (its raw softmax probability), learnt from what became of
/// earlier ones. By bins of confidence, with exponential forgetting and a prior, made monotone and interpolated between the bins'
/// centres. A confidence or chance below 0 counts as 0, one above 1 as 1, and NaN as 0. For one thread; nothing is allocated but by
/// <see cref="Snapshot"/>.
/// </summary>
internal sealed class AcceptanceCalibration
{
    /// <summary>Number of bins.</summary>
    public const int Bins = 16;

    /// <summary>
    /// So many evaluated tokens are remembered. A bin with a tenth of them is then known to about ±0.06, which is less than what
    /// changes a decision, and another kind of text has replaced most of what was learnt within one answer of usual length.
    /// </summary>
    public const double Memory = 500;

    // One for each draft, where several tokens are evaluated for each; and chances vary less than outcomes.
    private const double FirstMemory = 125;

    private const double Kept = 1 - 1 / Memory;
    private const double FirstKept = 1 - 1 / FirstMemory;

    // Of the prior in each bin and in each mean, in observations.
    private const double PriorWeight = 4;

    // A drafter is about as often right as it believes, but the verifier's choice must be the same one.
    private const double PriorScale = 0.95;

    // Between those of a drafter that skips layers (0.5) and of one in lower precision (0.9).
    private const double PriorMean = 0.7;

    // How much evidence bends the prior as a whole, in observations: several bins' worth.
    private const double BendWeight = 16;

    // What a sum has become negligible at; it becomes 0 there, for arithmetic on subnormal numbers is slow.
    private const double Negligible = 1e-12;

    // Finer near 1, where most tokens are and where the chance that several are accepted in turn is decided.
    private static readonly double[] Edges = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.87, 0.92, 0.95, 0.97, 0.985, 0.994, 0.998, 1];

    private static readonly double[] Centres = [.. Enumerable.Range(0, Bins).Select(bin => (Edges[bin] + Edges[bin + 1]) / 2)];

    private readonly double[] _evaluated = new double[Bins];
    private readonly double[] _accepted = new double[Bins];
    private readonly double[] _predicted = new double[Bins];
    private readonly double[] _nextCounts = new double[Bins];
    private readonly double[] _nextChances = new double[Bins];
    private double _firstCount;
    private double _firstChances;
    private double _behindCount;
    private double _behindChances;

    // The chance at each bin's centre, non-decreasing; once something was added, it is made anew when it is asked for.
    private readonly double[] _curve = new double[Bins];
    private bool _isCurrent;

    // The same of these, which are asked for several times in a step.
    private double _weight;
    private double _mean;
    private bool _areMeansCurrent;

    /// <summary>How many evaluated tokens are remembered: their number at first, never more than <see cref="Memory"/>.</summary>
    public double Weight
    {
        get
        {
            MakeMeans();
            return _weight;
        }
    }

    /// <summary>The share of accepted tokens among those remembered and a few of a prior.</summary>
    public double Mean
    {
        get
        {
            MakeMeans();
            return _mean;
        }
    }

    /// <summary>The chance of a draft's first token that is to be expected: the mean of those remembered; first of all <see cref="Mean"/>.</summary>
    public double First => Math.Min(1, (_firstChances + PriorWeight * Mean) / (_firstCount + PriorWeight));

    /// <summary>
    /// The chance of the first token that is drafted behind proposed ones, where those are accepted: the mean of those remembered; first of all
    /// <see cref="First"/>.
    /// </summary>
    public double Behind => Math.Min(1, (_behindChances + PriorWeight * First) / (_behindCount + PriorWeight));

    /// <summary>
    /// Expected calibration error: Σ over bins |Σ predicted chance − number accepted| / number evaluated in all, of the tokens remembered,
    /// each with the chance that <see cref="Chance"/> gave before it was added. 0 without any. The outcomes' own scatter is in it: some
    /// 0.05 when the chances are right.
    /// </summary>
    public double Error
    {
        get
        {
            double sum = 0;
            for (int bin = 0; bin < Bins; bin++)
            {
                sum += Math.Abs(_predicted[bin] - _accepted[bin]);
            }

            double weight = Weight;
            return weight > 0 ? sum / weight : 0;
        }
    }

    /// <summary>Takes what a snapshot has.</summary>
    /// <param name="state">A snapshot, from wherever.</param>
    /// <param name="calibration">One that answers as the one that the snapshot is of; null where the state is none that could have come about.</param>
    public static bool TryRestore(CalibrationState? state, [NotNullWhen(true)] out AcceptanceCalibration? calibration)
    {
        calibration = null;
        if (state is null || !AreSums(state.Evaluated, state.Accepted) || !AreSums(state.Evaluated, state.Predicted)
            || !AreSums(state.NextCounts, state.NextChances) || !IsSum(state.FirstCount, state.FirstChances, FirstMemory)
            || !IsSum(state.BehindCount, state.BehindChances, FirstMemory))
        {
            return false;
        }

        calibration = new AcceptanceCalibration
        {
            _firstCount = state.FirstCount, _firstChances = state.FirstChances, _behindCount = state.BehindCount, _behindChances = state.BehindChances,
        };
        state.Evaluated.CopyTo(calibration._evaluated, 0);
        state.Accepted.CopyTo(calibration._accepted, 0);
        state.Predicted.CopyTo(calibration._predicted, 0);
        state.NextCounts.CopyTo(calibration._nextCounts, 0);
        state.NextChances.CopyTo(calibration._nextChances, 0);
        return true;
    }

    /// <summary>A copy of what was learnt.</summary>
    public CalibrationState Snapshot() => new()
    {
        Evaluated = [.. _evaluated], Accepted = [.. _accepted], Predicted = [.. _predicted], NextCounts = [.. _nextCounts],
        NextChances = [.. _nextChances], FirstCount = _firstCount, FirstChances = _firstChances,
        BehindCount = _behindCount, BehindChances = _behindChances,
    };

    /// <summary>Learns what became of an evaluated draft token.</summary>
    /// <param name="confidence">The drafter's probability of it.</param>
    /// <param name="accepted">Whether it became output.</param>
    public void Add(float confidence, bool accepted)
    {
        double chance = Chance(confidence);
        int bin = Bin(Unit(confidence));
        Fade(_evaluated);
        Fade(_accepted);
        Fade(_predicted);
        _evaluated[bin] += 1;
        _accepted[bin] += accepted ? 1 : 0;
        _predicted[bin] += chance;
        _isCurrent = false;
        _areMeansCurrent = false;
    }

    /// <summary>Learns what followed a draft token in its draft.</summary>
    /// <param name="last">The drafter's probability of it.</param>
    /// <param name="chanceOfNext">What <see cref="Chance"/> says of the token that was drafted next.</param>
    public void AddNext(float last, double chanceOfNext)
    {
        int bin = Bin(Unit(last));
        Fade(_nextCounts);
        Fade(_nextChances);
        _nextCounts[bin] += 1;
        _nextChances[bin] += Unit(chanceOfNext);
    }

    /// <summary>Learns how a draft begins.</summary>
    /// <param name="chance">What <see cref="Chance"/> says of its first token.</param>
    public void AddFirst(double chance)
    {
        _firstCount = _firstCount * FirstKept + 1;
        _firstChances = _firstChances * FirstKept + Unit(chance);
    }

    /// <summary>Learns how a draft goes on behind proposed tokens that were accepted.</summary>
    /// <param name="chance">What <see cref="Chance"/> says of the first token that the drafter made.</param>
    public void AddBehind(double chance)
    {
        _behindCount = _behindCount * FirstKept + 1;
        _behindChances = _behindChances * FirstKept + Unit(chance);
    }

    /// <summary>Lets what is known of drafts behind proposed tokens count for half: where it says that they do not pay, no more is learnt of them.</summary>
    public void FadeBehind()
    {
        _behindCount /= 2;
        _behindChances /= 2;
    }

    /// <summary>The chance that a draft token is accepted if it comes to be evaluated; the higher, the higher the confidence.</summary>
    /// <param name="confidence">The drafter's probability of it.</param>
    public double Chance(float confidence)
    {
        if (!_isCurrent)
        {
            MakeCurve();
        }

        return Interpolate(_curve, Unit(confidence));
    }

    /// <summary>
    /// The chance of the token that would be drafted next, which is to be expected: the mean of those remembered after tokens of such
    /// confidence, which nears <see cref="Mean"/> where none has been drafted for long.
    /// </summary>
    /// <param name="last">The drafter's probability of the last token.</param>
    public double NextAfter(float last)
    {
        Span<double> means = stackalloc double[Bins];
        double prior = PriorWeight * Mean;
        for (int bin = 0; bin < Bins; bin++)
        {
            means[bin] = Math.Min(1, (_nextChances[bin] + prior) / (_nextCounts[bin] + PriorWeight));
        }

        return Interpolate(means, Unit(last));
    }

    private static double Unit(double value) => value >= 0 ? Math.Min(value, 1) : 0;

    private static int Bin(double confidence)
    {
        int bin = 0;
        while (bin < Bins - 1 && confidence >= Edges[bin + 1])
        {
            bin++;
        }

        return bin;
    }

    // Constant beyond the outermost centres. Never outside the two neighbours, whatever the rounding, so that it is monotone where
    // the curve is.
    private static double Interpolate(ReadOnlySpan<double> curve, double confidence)
    {
        int upper = 0;
        while (upper < Bins && confidence >= Centres[upper])
        {
            upper++;
        }

        if (upper is 0 or Bins)
        {
            return curve[upper == 0 ? 0 : Bins - 1];
        }

        double from = curve[upper - 1];
        double to = curve[upper];
        double value = from + (to - from) * ((confidence - Centres[upper - 1]) / (Centres[upper] - Centres[upper - 1]));
        return Math.Clamp(value, Math.Min(from, to), Math.Max(from, to));
    }

    private static void Fade(double[] sums)
    {
        foreach (ref double sum in sums.AsSpan())
        {
            sum *= Kept;
            if (sum < Negligible)
            {
                sum = 0;
            }
        }
    }

    private static double Sum(double[] values)
    {
        double sum = 0;
        foreach (double value in values)
        {
            sum += value;
        }

        return sum;
    }

    private static bool AreSums(double[]? counts, double[]? chances)
    {
        if (counts is not { Length: Bins } || chances is not { Length: Bins })
        {
            return false;
        }

        for (int bin = 0; bin < Bins; bin++)
        {
            if (!IsSum(counts[bin], chances[bin], Memory))
            {
                return false;
            }
        }

        return Sum(counts) <= Memory * (1 + 1e-9);
    }

    // Of so many chances from 0 to 1, with room for rounding. False for NaN.
    private static bool IsSum(double count, double chances, double memory) =>
        count >= 0 && count <= memory * (1 + 1e-9) && chances >= 0 && chances <= count + 1e-9;

    private void MakeMeans()
    {
        if (!_areMeansCurrent)
        {
            _weight = Sum(_evaluated);
            _mean = Math.Min(1, (Sum(_accepted) + PriorWeight * PriorMean) / (_weight + PriorWeight));
            _areMeansCurrent = true;
        }
    }

    private void MakeCurve()
    {
        // A drafter that is right more or less often than the prior says is expected to be so also where there is no data: the prior's
        // chances, or its misses, are scaled as a whole.
        double evaluated = 0;
        double accepted = 0;
        double expected = 0;
        for (int bin = 0; bin < Bins; bin++)
        {
            evaluated += _evaluated[bin];
            accepted += _accepted[bin];
            expected += _evaluated[bin] * PriorScale * Centres[bin];
        }

        double hits = Math.Min(1, (accepted + BendWeight) / (expected + BendWeight));
        double misses = Math.Min(1, (Math.Max(0, evaluated - accepted) + BendWeight) / (evaluated - expected + BendWeight));
        Span<double> weights = stackalloc double[Bins];
        for (int bin = 0; bin < Bins; bin++)
        {
            double prior = 1 - (1 - PriorScale * Centres[bin] * hits) * misses;
            weights[bin] = _evaluated[bin] + PriorWeight;
            _curve[bin] = Math.Clamp((_accepted[bin] + PriorWeight * prior) / weights[bin], 0, 1);
        }

        Isotonic.Fit(_curve, weights);
        _isCurrent = true;
    }
}
