using System.Numerics.Tensors;
using SpecDecode.Caching;
using SpecDecode.Evaluation;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Calibration;

/// <summary>
/// The table of CLaSp (2505.24196): entry (i, j) is the hidden state behind layer i with j of the layers so far left out that is nearest,
/// by its cosine, to the full model's there. It comes of entry (i − 1, j) through the layer, or of entry (i − 1, j − 1) as it is.
/// A state is a row for each of several tokens, and the cosine their mean.
/// </summary>
internal sealed class SkipTable : IDisposable
{
    // A state is kept in two places: as what ran through the layer, and as what did not, until it is known which is nearer; and the
    // column before is still needed.
    private const int PlacesOfState = 4;

    private readonly IStages _stages;
    private readonly (KvCache Cache, int Position)[] _tokens;
    private readonly int _mostSkipped;
    private readonly WeightSet _weights;
    private readonly HashSet<int> _optional;
    private readonly List<CacheTransaction.Entry> _enlisted = [];
    private readonly RowBatch _first;
    private readonly RowBatch _batch;
    private readonly IEnumerator<bool> _work;
    private readonly List<RowSource> _sources = [];

    private SkipTable(IStages stages, WeightSet weights, WrittenText[] texts, int fromEnd, int mostSkipped, IReadOnlyList<int> optional)
    {
        _stages = stages;
        _weights = weights;
        _mostSkipped = mostSkipped;
        _optional = [.. optional];
        _batch = new RowBatch(stages.MaxRows);
        _tokens = new (KvCache, int)[texts.Length];
        _first = new RowBatch(stages.MaxRows);
        CacheTransaction transaction = new(_enlisted);
        for (int i = 0; i < texts.Length; i++)
        {
            WrittenText text = texts[i];
            int position = text.LastStart - fromEnd % (text.LastStart - text.FirstStart + 1);
            text.Cache.RollBackTo(position);
            transaction.Enlist(text.Cache, 1);
            _tokens[i] = (text.Cache, position);
            _first.Add(text.Cache, position, text.Tokens.Span[position]);
        }

        _work = Work();
    }

    /// <summary>The layers left out in the last column's entries, once it is filled: one, two, and so on.</summary>
    public IReadOnlyList<IReadOnlySet<int>>? Result { get; private set; }

    /// <summary>
    /// Begins a table at a place in some texts. Until it is disposed of, the tokens' entries are approximate, and no longer exact afterwards; nothing else
    /// may run on the model before it is filled.
    /// </summary>
    /// <param name="stages">The model.</param>
    /// <param name="weights">The weights that the drafter runs on.</param>
    /// <param name="texts">The texts, with exact entries.</param>
    /// <param name="fromEnd">How far before each text's end its token is.</param>
    /// <param name="optional">The layers that may be left out.</param>
    /// <returns>The table; null where passes have too few rows for one.</returns>
    public static SkipTable? Open(IStages stages, WeightSet weights, IReadOnlyList<WrittenText> texts, int fromEnd, IReadOnlyList<int> optional)
    {
        int mostSkipped = Math.Min(optional.Count, stages.MaxRows / PlacesOfState - 1);
        WrittenText[] usable = [.. texts.Where(text => text.LastStart >= text.FirstStart)];
        int count = Math.Min(usable.Length, stages.MaxRows / (PlacesOfState * (mostSkipped + 1)));
        return mostSkipped < 1 || count < 1 ? null : new SkipTable(stages, weights, usable[..count], fromEnd, mostSkipped, optional);
    }

    /// <summary>Fills a table.</summary>
    /// <returns>The layers left out in the last column's entries: one, two, and so on. None where passes have too few rows for a table.</returns>
    /// <inheritdoc cref="Open" path="/param"/>
    public static IReadOnlyList<IReadOnlySet<int>> Fill(
        IStages stages, WeightSet weights, IReadOnlyList<WrittenText> texts, int fromEnd, IReadOnlyList<int> optional)
    {
        using SkipTable? table = Open(stages, weights, texts, fromEnd, optional);
        while (table?.Step() == true)
        {
        }

        return table?.Result ?? [];
    }

    /// <summary>Runs a layer, for one entry of the table.</summary>
    /// <returns>Whether there is more to do.</returns>
    public bool Step() => _work.MoveNext();

    /// <inheritdoc/>
    public void Dispose() => new CacheTransaction(_enlisted).Dispose();

    // A layer between one yield and the next.
    private IEnumerator<bool> Work()
    {
        float[][] full = new float[_stages.LayerCount][];
        _stages.Embed(_first);
        for (int layer = 0; layer < full.Length; layer++)
        {
            RunLayer(layer, _first);
            full[layer] = Read();
            yield return true;
        }

        _stages.Embed(_first, _weights);
        State?[] column = new State?[_mostSkipped + 1];
        column[0] = new State(Keep(0, 0, false), Read(), []);
        for (int layer = 0; layer < full.Length; layer++)
        {
            State?[] next = new State?[_mostSkipped + 1];
            for (int skipped = 0; skipped <= _mostSkipped; skipped++)
            {
                if (column[skipped] is not { } state)
                {
                    continue;
                }

                Arrange(state.Slot);
                if (skipped < _mostSkipped && _optional.Contains(layer))
                {
                    Offer(next, skipped + 1, new State(Keep((layer + 1) % 2, skipped + 1, true), state.Rows, [.. state.Skipped, layer]), full[layer]);
                }

                RunLayer(layer, _batch);
                Offer(next, skipped, new State(Keep((layer + 1) % 2, skipped, false), Read(), state.Skipped), full[layer]);
                yield return true;
            }

            column = next;
        }

        Result = [.. column.Skip(1).OfType<State>().Select(state => state.Skipped.ToHashSet())];
    }

    private void Offer(State?[] column, int skipped, State state, float[] full)
    {
        if (column[skipped] is not { } other || Similarity(state.Rows, full) > Similarity(other.Rows, full))
        {
            column[skipped] = state;
        }
    }

    // Blocks left out may overflow: nothing is less alike.
    private double Similarity(float[] rows, float[] full)
    {
        int width = _stages.ResidualWidth;
        double sum = 0;
        for (int first = 0; first < rows.Length; first += width)
        {
            sum += TensorPrimitives.CosineSimilarity(rows.AsSpan(first, width), full.AsSpan(first, width));
        }

        return double.IsFinite(sum) ? sum : double.NegativeInfinity;
    }

    private void RunLayer(int layer, RowBatch batch)
    {
        _stages.Run(new Block(BlockKind.Attention, layer), batch);
        _stages.Run(new Block(BlockKind.Mlp, layer), batch);
    }

    private float[] Read()
    {
        int width = _stages.ResidualWidth;
        float[] rows = new float[_tokens.Length * width];
        for (int row = 0; row < _tokens.Length; row++)
        {
            _stages.ReadResidual(row, rows.AsSpan(row * width, width));
        }

        return rows;
    }

    private int Keep(int column, int skipped, bool isSkip)
    {
        int slot = ((column * (_mostSkipped + 1) + skipped) * 2 + (isSkip ? 1 : 0)) * _tokens.Length;
        for (int row = 0; row < _tokens.Length; row++)
        {
            _stages.Keep(row, slot + row);
        }

        return slot;
    }

    private void Arrange(int slot)
    {
        _batch.Clear();
        foreach ((KvCache cache, int position) in _tokens)
        {
            _batch.AddRows(cache, position, 1);
        }

        _sources.Clear();
        _sources.Add(new RowSource(IsKept: true, slot, _tokens.Length));
        _stages.Arrange(_sources, _batch);
    }

    /// <summary>An entry: where it is kept, what it is, and which layers it left out.</summary>
    private sealed record State(int Slot, float[] Rows, IReadOnlyList<int> Skipped);
}
