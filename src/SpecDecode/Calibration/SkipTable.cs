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
internal sealed class SkipTable
{
    // A state is kept in two places: as what ran through the layer, and as what did not, until it is known which is nearer; and the
    // column before is still needed.
    private const int PlacesOfState = 4;

    private readonly IStages _stages;
    private readonly (KvCache Cache, int Position)[] _tokens;
    private readonly int _mostSkipped;
    private readonly RowBatch _batch;
    private readonly List<RowSource> _sources = [];

    private SkipTable(IStages stages, (KvCache Cache, int Position)[] tokens, int mostSkipped)
    {
        _stages = stages;
        _tokens = tokens;
        _mostSkipped = mostSkipped;
        _batch = new RowBatch(stages.MaxRows);
    }

    /// <summary>Fills the table at a place in some texts.</summary>
    /// <param name="stages">The model.</param>
    /// <param name="weights">The weights that the drafter runs on.</param>
    /// <param name="texts">The texts, with exact entries.</param>
    /// <param name="fromEnd">How far before each text's end its token is.</param>
    /// <param name="optional">The layers that may be left out.</param>
    /// <returns>The layers left out in the last column's entries: one, two, and so on. None where passes have too few rows for a table.</returns>
    public static IReadOnlyList<IReadOnlySet<int>> Fill(
        IStages stages, WeightSet weights, IReadOnlyList<WrittenText> texts, int fromEnd, IReadOnlyList<int> optional)
    {
        int mostSkipped = Math.Min(optional.Count, stages.MaxRows / PlacesOfState - 1);
        WrittenText[] usable = [.. texts.Where(text => text.LastStart >= text.FirstStart)];
        int count = Math.Min(usable.Length, stages.MaxRows / (PlacesOfState * (mostSkipped + 1)));
        if (mostSkipped < 1 || count < 1)
        {
            return [];
        }

        // The tokens' entries are approximate while the table is filled, and no longer exact afterwards.
        List<CacheTransaction.Entry> enlisted = [];
        using CacheTransaction transaction = new(enlisted);
        (KvCache Cache, int Position)[] tokens = new (KvCache, int)[count];
        RowBatch batch = new(stages.MaxRows);
        for (int i = 0; i < count; i++)
        {
            WrittenText text = usable[i];
            int position = text.LastStart - fromEnd % (text.LastStart - text.FirstStart + 1);
            text.Cache.RollBackTo(position);
            transaction.Enlist(text.Cache, 1);
            tokens[i] = (text.Cache, position);
            batch.Add(text.Cache, position, text.Tokens.Span[position]);
        }

        SkipTable table = new(stages, tokens, mostSkipped);
        float[][] full = table.RunFull(batch);
        return table.Run(batch, weights, full, optional.ToHashSet());
    }

    private float[][] RunFull(RowBatch batch)
    {
        float[][] states = new float[_stages.LayerCount][];
        _stages.Embed(batch);
        for (int layer = 0; layer < states.Length; layer++)
        {
            RunLayer(layer, batch);
            states[layer] = Read();
        }

        return states;
    }

    private IReadOnlyList<IReadOnlySet<int>> Run(RowBatch batch, WeightSet weights, float[][] full, HashSet<int> optional)
    {
        _stages.Embed(batch, weights);
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
                if (skipped < _mostSkipped && optional.Contains(layer))
                {
                    Offer(next, skipped + 1, new State(Keep((layer + 1) % 2, skipped + 1, true), state.Rows, [.. state.Skipped, layer]), full[layer]);
                }

                RunLayer(layer, _batch);
                Offer(next, skipped, new State(Keep((layer + 1) % 2, skipped, false), Read(), state.Skipped), full[layer]);
            }

            column = next;
        }

        return [.. column.Skip(1).OfType<State>().Select(state => state.Skipped.ToHashSet())];
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
