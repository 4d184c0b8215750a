using System.Diagnostics;
using SpecDecode.Caching;
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
        int most = Math.Min(Math.Min(stages.MaxRows, stages.MaxScoredRows), Math.Min(draftLength + 1, stages.MaxSequenceLength));
        int[] rows = [.. Rows.Where((count, i) => i == 0 || Rows[i - 1] < most).Select(count => Math.Min(count, most))];
        past = Math.Clamp(past, 0, stages.MaxSequenceLength - most);
        LayerPlan[] plans =
        [
            LayerPlan.Of(stages.LayerCount, []),
            Only(stages.LayerCount, BlockKind.Attention),
            Only(stages.LayerCount, BlockKind.Mlp),
        ];
        // Drafts have a head of their own, which may score but some tokens.
        (LayerPlan Plan, WeightSet Weights, int Rows, bool IsDraft)[] passes =
        [
            .. rows.SelectMany(count => plans.Select(plan => (plan, WeightSet.Verifier, count, false))),
            (plans[0], WeightSet.Verifier, 1, true),
            .. stages.DraftPrecision is null ? [] : plans.Select(plan => (plan, WeightSet.Drafter, 1, true)),
        ];
        List<double>[] times = [.. passes.Select(_ => new List<double>())];
        using Timed timed = new(stages, past, most);
        long start = Stopwatch.GetTimestamp();
        for (int turn = -1; turn < LeastTurns || (turn < MostTurns && Stopwatch.GetElapsedTime(start) < limit); turn++)
        {
            for (int pass = 0; pass < passes.Length; pass++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                double seconds = timed.Run(passes[pass].Plan, passes[pass].Weights, passes[pass].Rows, passes[pass].IsDraft);
                if (turn >= 0)
                {
                    times[pass].Add(seconds);
                }
            }
        }

        double[] medians = [.. times.Select(list => list.Order().ElementAt(list.Count / 2))];
        BlockCurves verifier = BlockCurves.Of(medians.AsSpan(0, 3 * rows.Length), stages.LayerCount);
        BlockCurves? drafter = stages.DraftPrecision is null ? null : BlockCurves.Of(medians.AsSpan(3 * rows.Length + 1), stages.LayerCount);
        return new BlockCosts(stages.LayerCount, new BlockTimes(rows, verifier, medians[3 * rows.Length], drafter));
    }

    /// <summary>What a row of a plan takes, in seconds.</summary>
    public double DraftRow(PlanCandidate candidate)
    {
        (int attention, int mlp) = Count(candidate.Plan.Blocks.AsSpan());
        BlockCurves curves = candidate.Weights == WeightSet.Verifier ? Times.Verifier : Times.Drafter ?? throw new InvalidOperationException("There are no weights to draft with.");
        double ends = candidate.Weights == WeightSet.Verifier ? Times.DraftEnds : curves.Ends[0];
        return ends + attention * curves.Attention[0] + mlp * curves.Mlp[0];
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

    private static LayerPlan Only(int layers, BlockKind kind) =>
        LayerPlan.Of(layers, Enumerable.Range(0, layers).Select(layer => new Block(kind, layer)));

    private static (int Attention, int Mlp) Count(ReadOnlySpan<Block> blocks)
    {
        int attention = 0;
        foreach (Block block in blocks)
        {
            attention += block.Kind == BlockKind.Attention ? 1 : 0;
        }

        return (attention, blocks.Length - attention);
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

    /// <summary>Passes of one sequence that is no text; its cache is thrown away.</summary>
    private sealed class Timed : IDisposable
    {
        private readonly IStages _stages;
        private readonly KvCache _cache;
        private readonly RowBatch _batch;
        private readonly List<CacheTransaction.Entry> _enlisted = [];
        private readonly int[] _scored;
        private readonly int[] _tokens;

        public Timed(IStages stages, int past, int rows)
        {
            _stages = stages;
            _cache = new KvCache(stages.CreateKvStorage(past + rows));
            _batch = new RowBatch(stages.MaxRows);
            _scored = [.. Enumerable.Range(0, rows)];
            _tokens = [.. _scored.Select(row => row % stages.VocabularySize)];
            try
            {
                Fill(past);
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        public double Run(LayerPlan plan, WeightSet weights, int rows, bool isDraft)
        {
            using CacheTransaction transaction = new(_enlisted);
            transaction.Enlist(_cache, rows);
            _batch.Clear();
            _batch.Add(_cache, _cache.CommittedLength, _tokens.AsSpan(0, rows));
            long start = Stopwatch.GetTimestamp();
            _stages.Embed(_batch, weights);
            Pass.Run(_stages, plan.Blocks.AsSpan(), _batch);
            if (isDraft)
            {
                _stages.DraftHead(_scored.AsSpan(0, rows));
            }
            else
            {
                _stages.Head(_scored.AsSpan(0, rows));
            }

            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        public void Dispose() => _cache.Dispose();

        private void Fill(int past)
        {
            LayerPlan full = LayerPlan.Full(_stages.LayerCount);
            while (_cache.CommittedLength < past)
            {
                using CacheTransaction transaction = new(_enlisted);
                int rows = Math.Min(past - _cache.CommittedLength, _stages.MaxRows);
                int place = transaction.Enlist(_cache, rows);
                _batch.Clear();
                _batch.Add(_cache, _cache.CommittedLength, new int[rows]);
                _stages.Embed(_batch);
                Pass.Run(_stages, full.Blocks.AsSpan(), _batch);
                transaction.Keep(place, _cache.CommittedLength + rows);
                transaction.Commit();
            }
        }
    }
}
