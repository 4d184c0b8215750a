using System.Diagnostics;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Evaluation;

/// <summary>
/// What blocks take by rows, from which follows what any plan takes. Measured are three passes: without blocks, with every attention, with
/// every MLP. Layers of a model are alike, so what a block takes is the difference to the first over the layers.
/// </summary>
internal sealed class BlockCosts
{
    // So many turns at least, whatever the time; and no more where there is time.
    private const int LeastTurns = 5;
    private const int MostTurns = 25;

    // Rows that are measured; between them costs are interpolated.
    private static readonly int[] Rows = [1, 2, 3, 5, 9, 17];

    private readonly int _layers;

    /// <summary>Takes times that were measured.</summary>
    /// <param name="layers">Layers of the model.</param>
    /// <param name="times">The times.</param>
    public BlockCosts(int layers, BlockTimes times) => (_layers, Times) = (layers, times);

    /// <summary>What was measured.</summary>
    public BlockTimes Times { get; }

    /// <summary>A token of plain decoding, in seconds.</summary>
    public double Plain => Times.Verifier.Ends[0] + _layers * (Times.Verifier.Attention[0] + Times.Verifier.Mlp[0]);

    /// <summary>Costs that are known from elsewhere, for one row and for each more.</summary>
    /// <param name="layers">Layers of the model.</param>
    /// <param name="ends">Embedding and head.</param>
    /// <param name="attention">A block of attention.</param>
    /// <param name="mlp">A block of MLP.</param>
    /// <param name="draftShare">What the copy of the weights for drafting takes of that; null where there is none.</param>
    /// <param name="slope">What a row more takes in parts of the first.</param>
    public static BlockCosts Of(int layers, double ends, double attention, double mlp, double? draftShare = null, double slope = 0.1)
    {
        BlockCurves Make(double share) => new(Line(ends * share), Line(attention * share), Line(mlp * share));
        double[] Line(double first) => [.. Rows.Select(rows => first * (1 + slope * (rows - 1)))];
        return new BlockCosts(layers, new BlockTimes(Rows, Make(1), ends, draftShare is { } share ? Make(share) : null));
    }

    /// <summary>Measures, all passes in turn, so that whatever slows the machine slows all of them; medians count.</summary>
    /// <param name="stages">The model.</param>
    /// <param name="draftLength">Tokens of the longest draft.</param>
    /// <param name="past">Positions in the cache before the rows, as texts have them.</param>
    /// <param name="limit">After so much time no more turns are begun than the fewest that a median needs.</param>
    /// <param name="cancellationToken">Ends the work between passes.</param>
    public static BlockCosts Measure(IStages stages, int draftLength, int past, TimeSpan limit, CancellationToken cancellationToken)
    {
        using CostMeasurement measurement = new(stages, Rows, draftLength, past, takesAllDraftRows: true);
        long start = Stopwatch.GetTimestamp();
        while (measurement.Turns < LeastTurns || (measurement.Turns < MostTurns && Stopwatch.GetElapsedTime(start) < limit))
        {
            cancellationToken.ThrowIfCancellationRequested();
            measurement.Step();
        }

        return measurement.Result();
    }

    /// <summary>What a row of a plan takes, in seconds.</summary>
    public double DraftRow(PlanCandidate candidate)
    {
        (int attention, int mlp) = Count(candidate.Plan.Blocks.AsSpan());
        BlockCurves curves = candidate.Weights == WeightSet.Verifier ? Times.Verifier : Times.Drafter ?? throw new InvalidOperationException("There are no weights to draft with.");
        double ends = candidate.Weights == WeightSet.Verifier ? Times.DraftEnds : curves.Ends[0];
        return ends + attention * curves.Attention[0] + mlp * curves.Mlp[0] + (candidate.Plan.Bridge is null ? 0 : Times.Bridge);
    }

    /// <summary>What a pass of a row takes that others join which were taken so far before, in seconds.</summary>
    /// <param name="candidate">The plan.</param>
    /// <param name="depth">Blocks of it that the pass runs.</param>
    /// <param name="joinDepth">Behind which of them the others join.</param>
    /// <param name="joining">How many do.</param>
    public double Pass(PlanCandidate candidate, int depth, int joinDepth, int joining)
    {
        BlockCurves curves = candidate.Weights == WeightSet.Verifier ? Times.Verifier : Times.Drafter ?? throw new InvalidOperationException("There are no weights to draft with.");
        (int attention, int mlp) = Count(candidate.Plan.Blocks.AsSpan()[..joinDepth]);
        (int allAttention, int allMlp) = Count(candidate.Plan.Blocks.AsSpan()[..depth]);
        int rows = joining + 1;
        return (rows == 1 && candidate.Weights == WeightSet.Verifier ? Times.DraftEnds : At(curves.Ends, rows))
            + attention * At(curves.Attention, 1) + (allAttention - attention) * At(curves.Attention, rows)
            + mlp * At(curves.Mlp, 1) + (allMlp - mlp) * At(curves.Mlp, rows)
            + (candidate.Plan.Bridge is not null && depth == candidate.Plan.Blocks.Length ? Times.Bridge : 0);
    }

    /// <summary>What drafting by a plan takes.</summary>
    /// <param name="candidate">The plan.</param>
    /// <param name="draftLength">Tokens of the longest draft; no more than was measured for.</param>
    /// <remarks>All rows of a draft but its last have been through the plan's exact blocks when they are verified.</remarks>
    public PlanCosts Of(PlanCandidate candidate, int draftLength)
    {
        (int attention, int mlp) = candidate.Weights == WeightSet.Verifier ? Count(candidate.Plan.Blocks.AsSpan()[..candidate.Plan.ExactDepth]) : default;
        double[] verify = new double[draftLength];
        for (int length = 1; length <= draftLength; length++)
        {
            int rows = length + 1;
            verify[length - 1] = At(Times.Verifier.Ends, rows)
                + attention * At(Times.Verifier.Attention, 1) + (_layers - attention) * At(Times.Verifier.Attention, rows)
                + mlp * At(Times.Verifier.Mlp, 1) + (_layers - mlp) * At(Times.Verifier.Mlp, rows);
        }

        return new PlanCosts(Plain, DraftRow(candidate), verify);
    }

    private static (int Attention, int Mlp) Count(ReadOnlySpan<Block> blocks)
    {
        int attention = 0;
        int mlp = 0;
        foreach (Block block in blocks)
        {
            attention += block.Kind == BlockKind.Attention ? 1 : 0;
            mlp += block.Kind == BlockKind.Mlp ? 1 : 0;
        }

        return (attention, mlp);
    }

    private double At(double[] curve, int rows)
    {
        int upper = 0;
        while (upper < curve.Length - 1 && Times.Rows[upper] < rows)
        {
            upper++;
        }

        if (upper == 0)
        {
            return curve[0];
        }

        double share = (double)(rows - Times.Rows[upper - 1]) / (Times.Rows[upper] - Times.Rows[upper - 1]);
        return curve[upper - 1] + share * (curve[upper] - curve[upper - 1]);
    }
}
