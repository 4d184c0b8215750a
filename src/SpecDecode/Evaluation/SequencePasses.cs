using System.Runtime.InteropServices;
using SpecDecode.Caching;
using SpecDecode.Stages;

namespace SpecDecode.Evaluation;

/// <summary>
/// The passes in which whole sequences are read from their first token on, as many in a pass as its rows hold. Whoever runs them decides by
/// which blocks; the same sequences always come in the same passes.
/// </summary>
internal sealed class SequencePasses : IDisposable
{
    private readonly IStages _stages;
    private readonly IReadOnlyList<ScoredSequence> _sequences;
    private readonly List<Open> _open = [];
    private readonly List<int> _rows = [];
    private readonly List<int> _targets = [];
    private readonly double _total;
    private long _done;
    private int _next;

    /// <summary>Begins with the first sequence.</summary>
    /// <param name="stages">The model.</param>
    /// <param name="sequences">The sequences; each no longer than the model allows. One without a token to predict has no rows.</param>
    public SequencePasses(IStages stages, IReadOnlyList<ScoredSequence> sequences)
    {
        _stages = stages;
        _sequences = sequences;
        _total = Math.Max(1, sequences.Sum(sequence => (long)sequence.Tokens.Length));
        Batch = new RowBatch(stages.MaxRows);
    }

    /// <summary>The rows of the pass.</summary>
    public RowBatch Batch { get; }

    /// <summary>Those of them that predict a token, in their order.</summary>
    public ReadOnlySpan<int> Rows => CollectionsMarshal.AsSpan(_rows);

    /// <summary>The tokens that they should predict.</summary>
    public ReadOnlySpan<int> Targets => CollectionsMarshal.AsSpan(_targets);

    /// <summary>The share of all tokens in passes up to this one.</summary>
    public double Share => Math.Min(1, _done / _total);

    /// <summary>Goes on to the next pass, once the one before has run.</summary>
    /// <returns>False where all sequences are through.</returns>
    public bool Next()
    {
        foreach (Open finished in _open.Where(sequence => sequence.IsDone))
        {
            finished.Cache.Dispose();
        }

        _open.RemoveAll(sequence => sequence.IsDone);
        Batch.Clear();
        _rows.Clear();
        _targets.Clear();

        // What the last pass had no room for goes first; then new sequences while there is room.
        foreach (Open sequence in _open)
        {
            Add(sequence);
        }

        for (; Batch.Room > 0 && _next < _sequences.Count; _next++)
        {
            if (_sequences[_next].Tokens.Length > _sequences[_next].Context)
            {
                // The last token is only predicted, so it needs no row.
                _open.Add(new Open(_sequences[_next], new KvCache(_stages.Pages, _sequences[_next].Tokens.Length - 1)));
                Add(_open[^1]);
            }
        }

        _done += Batch.Rows;
        return Batch.Rows > 0;
    }

    /// <inheritdoc/>
    public void Dispose() => _open.ForEach(sequence => sequence.Cache.Dispose());

    private void Add(Open open)
    {
        (int[] tokens, int context) = open.Sequence;
        int rows = Math.Min(Batch.Room, tokens.Length - 1 - open.Read);
        if (rows == 0)
        {
            return;
        }

        open.Cache.Hold(open.Read + rows);
        int first = Batch.Add(open.Cache, open.Read, tokens.AsSpan(open.Read, rows));
        for (int i = Math.Max(0, context - 1 - open.Read); i < rows; i++)
        {
            _rows.Add(first + i);
            _targets.Add(tokens[open.Read + i + 1]);
        }

        open.Read += rows;
    }

    /// <summary>A sequence of which some tokens have been read.</summary>
    private sealed class Open(ScoredSequence sequence, KvCache cache)
    {
        public ScoredSequence Sequence => sequence;

        public KvCache Cache => cache;

        public int Read { get; set; }

        public bool IsDone => Read == sequence.Tokens.Length - 1;
    }
}
