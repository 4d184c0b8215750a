using System.Diagnostics.CodeAnalysis;
using SpecDecode.Calibration;
using SpecDecode.Evaluation;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Pruning;

/// <summary>
/// A search for layers to drop, as methods that look for draft plans see it. Plans stand for the layers of which they leave out any block, and
/// agreement is the mean probability of a token of the texts (geometric, so 1 / perplexity), read without these layers from the first token on. No
/// score tells of a speed-up.
/// </summary>
internal sealed class LayerSearch : IPlanSearch, IDisposable
{
    private readonly IStages _stages;
    private readonly IReadOnlyList<ScoredSequence> _sequences;
    private readonly int _count;
    private readonly bool _scoresFewer;
    private readonly IProgress<double>? _progress;
    private readonly CancellationToken _cancellationToken;
    private readonly Dictionary<string, double> _known = new(StringComparer.Ordinal);
    private readonly double _most;
    private WrittenText[] _texts = [];
    private double _best = -1;

    /// <summary>Prepares a search; nothing runs yet.</summary>
    /// <param name="stages">The model.</param>
    /// <param name="sequences">The texts.</param>
    /// <param name="count">How many layers go.</param>
    /// <param name="scoresFewer">Whether plans that leave out fewer layers are scored, for a method that goes on from them.</param>
    /// <param name="keepsEnds">Whether first and last layer stay, where others are enough.</param>
    /// <param name="progress">Told the share that is done where fewer layers are scored first; null for nobody.</param>
    /// <param name="cancellationToken">Ends the work between passes.</param>
    public LayerSearch(
        IStages stages, IReadOnlyList<ScoredSequence> sequences, int count, bool scoresFewer, bool keepsEnds, IProgress<double>? progress,
        CancellationToken cancellationToken)
    {
        _stages = stages;
        _sequences = sequences;
        _count = count;
        _scoresFewer = scoresFewer;
        _progress = progress;
        _cancellationToken = cancellationToken;
        int ends = keepsEnds && count <= LayerCount - 2 ? 1 : 0;
        Optional = [.. LayerPlan.Full(LayerCount).Blocks.Where(block => block.Layer >= ends && block.Layer < LayerCount - ends)];

        // Greedily one layer after the other: all that are left, then one fewer.
        int layers = Optional.Count / 2;
        _most = scoresFewer ? Enumerable.Range(0, count).Sum(gone => (double)layers - gone) : 1;
    }

    /// <inheritdoc/>
    public int LayerCount => _stages.LayerCount;

    /// <inheritdoc/>
    public IReadOnlyList<Block> Optional { get; }

    /// <inheritdoc/>
    public IReadOnlyList<WeightSet> Weights { get; } = [WeightSet.Verifier];

    /// <inheritdoc/>
    public int Seed => 1;

    /// <summary>The layers whose absence costs least of those sets that were tried and have the right size; null where there was none.</summary>
    public IReadOnlyList<int>? Best { get; private set; }

    /// <inheritdoc/>
    public bool TryScore(IReadOnlyList<PlanCandidate> plans, [NotNullWhen(true)] out IReadOnlyList<PlanScore>? scores)
    {
        scores = [.. plans.Select(plan => new PlanScore(Score(plan.Plan), 0))];
        return true;
    }

    /// <inheritdoc/>
    public bool TryLook(Action<IStages, IReadOnlyList<WrittenText>> look)
    {
        if (_texts.Length == 0)
        {
            _texts = [.. _sequences.Select(sequence => TextReading.Open(_stages, sequence.Tokens, sequence.Context))];
        }

        TextReading.Complete(_stages, _texts, _cancellationToken);
        look(_stages, _texts);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => Array.ForEach(_texts, text => text.Cache.Dispose());

    private double Score(LayerPlan plan)
    {
        HashSet<Block> runs = [.. plan.Blocks];
        int[] gone = [.. Enumerable.Range(0, LayerCount).Where(layer => !runs.Contains(new Block(BlockKind.Attention, layer)) || !runs.Contains(new Block(BlockKind.Mlp, layer)))];
        if (gone.Length > _count || (gone.Length < _count && !_scoresFewer))
        {
            return 0;
        }

        string key = string.Join(',', gone);
        if (!_known.TryGetValue(key, out double score))
        {
            // NaN where the residual overflows without them: nothing is worse.
            score = Math.Exp(RowScoring.Mean(_stages, _sequences, LayerPlan.LayerSkip(LayerCount, gone, gone), _cancellationToken));
            score = double.IsNaN(score) ? 0 : score;
            _known.Add(key, score);
            _progress?.Report(Math.Min(1, _known.Count / _most));
        }

        if (gone.Length == _count && score > _best)
        {
            (Best, _best) = (gone, score);
        }

        return score;
    }
}
