using System.Diagnostics;
using SpecDecode.Caching;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Evaluation;

/// <summary>
/// Measures what blocks take (<see cref="BlockCosts"/>) a pass at a time, all passes in turn, so that whatever slows the machine slows all of them. Its
/// passes are of one sequence that is no text, whose cache is thrown away.
/// </summary>
internal sealed class CostMeasurement : IDisposable
{
    // A pass that fills the cache has so many rows at most, to be no longer than others.
    private const int FillRows = 16;

    private readonly IStages _stages;
    private readonly int[] _rows;
    private readonly (LayerPlan Plan, WeightSet Weights, int Rows, bool IsDraft)[] _passes;
    private readonly List<double>[] _times;
    private readonly KvCache _cache;
    private readonly RowBatch _batch;
    private readonly List<CacheTransaction.Entry> _enlisted = [];
    private readonly int[] _scored;
    private readonly int[] _tokens;
    private readonly int _past;
    private int _next;

    // The first turn warms up.
    private int _turn = -1;

    /// <summary>Prepares the passes.</summary>
    /// <param name="stages">The model.</param>
    /// <param name="rows">Numbers of rows that are measured, from 1 upwards; between them costs are interpolated.</param>
    /// <param name="draftLength">Tokens of the longest draft, for whose rows it is measured at most.</param>
    /// <param name="past">Positions in the cache before the rows, as texts have them.</param>
    /// <param name="takesAllDraftRows">Whether the copy for drafting is measured with all these rows, as a cascade runs them; else with one.</param>
    public CostMeasurement(IStages stages, ReadOnlySpan<int> rows, int draftLength, int past, bool takesAllDraftRows = false)
    {
        int most = Math.Min(Math.Min(stages.MaxRows, stages.MaxScoredRows), Math.Min(draftLength + 1, stages.MaxSequenceLength));
        int needed = 0;
        while (needed < rows.Length && (needed == 0 || rows[needed - 1] < most))
        {
            needed++;
        }

        _stages = stages;
        _rows = [.. rows[..needed].ToArray().Select(count => Math.Min(count, most))];
        _past = Math.Clamp(past, 0, stages.MaxSequenceLength - most);
        LayerPlan[] plans =
        [
            LayerPlan.Of(stages.LayerCount, []),
            Only(stages.LayerCount, BlockKind.Attention),
            Only(stages.LayerCount, BlockKind.Mlp),
        ];
        // Drafts have a head of their own, which may score but some tokens.
        _passes =
        [
            .. _rows.SelectMany(count => plans.Select(plan => (plan, WeightSet.Verifier, count, false))),
            (plans[0], WeightSet.Verifier, 1, true),
            .. stages.DraftPrecision is null ? [] : _rows.Take(takesAllDraftRows ? _rows.Length : 1).SelectMany(count => plans.Select(plan => (plan, WeightSet.Drafter, count, true))),
        ];
        _times = [.. _passes.Select(_ => new List<double>())];
        _batch = new RowBatch(stages.MaxRows);
        _scored = [.. Enumerable.Range(0, most)];
        _tokens = [.. _scored.Select(row => row % stages.VocabularySize)];
        _cache = new KvCache(stages.Pages, _past + most);
    }

    /// <summary>Turns of all passes that count.</summary>
    public int Turns => Math.Max(_turn, 0);

    /// <summary>Runs one pass.</summary>
    public void Step()
    {
        if (_cache.CommittedLength < _past)
        {
            Fill();
            return;
        }

        (LayerPlan plan, WeightSet weights, int rows, bool isDraft) = _passes[_next];
        double seconds = Run(plan, weights, rows, isDraft);
        if (_turn >= 0)
        {
            _times[_next].Add(seconds);
        }

        if (++_next == _passes.Length)
        {
            _next = 0;
            _turn++;
        }
    }

    /// <summary>What follows from the turns so far; at least one. Medians count.</summary>
    public BlockCosts Result()
    {
        double[] medians = [.. _times.Select(list => list.Order().ElementAt(list.Count / 2))];
        BlockCurves verifier = BlockCurves.Of(medians.AsSpan(0, 3 * _rows.Length), _stages.LayerCount);
        BlockCurves? drafter = _stages.DraftPrecision is null ? null : BlockCurves.Of(medians.AsSpan(3 * _rows.Length + 1), _stages.LayerCount);
        return new BlockCosts(_stages.LayerCount, new BlockTimes(_rows, verifier, Math.Max(BlockCurves.LeastSeconds, medians[3 * _rows.Length]), drafter));
    }

    /// <inheritdoc/>
    public void Dispose() => _cache.Dispose();

    private static LayerPlan Only(int layers, BlockKind kind) =>
        LayerPlan.Of(layers, Enumerable.Range(0, layers).Select(layer => new Block(kind, layer)));

    private double Run(LayerPlan plan, WeightSet weights, int rows, bool isDraft)
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

    private void Fill()
    {
        using CacheTransaction transaction = new(_enlisted);
        int rows = Math.Min(_past - _cache.CommittedLength, Math.Min(FillRows, _stages.MaxRows));
        int place = transaction.Enlist(_cache, rows);
        _batch.Clear();
        _batch.Add(_cache, _cache.CommittedLength, new int[rows]);
        _stages.Embed(_batch);
        Pass.Run(_stages, LayerPlan.Full(_stages.LayerCount).Blocks.AsSpan(), _batch);
        transaction.Keep(place, _cache.CommittedLength + rows);
        transaction.Commit();
    }
}
