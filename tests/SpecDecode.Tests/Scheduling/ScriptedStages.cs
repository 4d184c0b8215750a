using SpecDecode.Caching;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Tests.Scheduling;

/// <summary>A stage failed because the test wanted it to.</summary>
internal sealed class ScriptedFailureException() : Exception("This stage was told to fail.");

/// <summary>
/// A <see cref="ScriptedModel"/> behind the engine's interface. Attention sees what came before only through the cache, so a
/// stale entry, a wrong position, a missing block or rows that are mixed up change the text. It also checks what the
/// interface demands of its caller, and counts. Allocates nothing in a pass.
/// </summary>
internal sealed class ScriptedStages(ScriptedModel model, int maxRows, int? maxScoredRows = null, int maxSequenceLength = 4096) : IStages, IFakeStages
{
    private ulong[] _residuals = new ulong[maxRows];
    private ulong[] _arranged = new ulong[maxRows];
    private readonly ulong[] _kept = new ulong[maxRows];
    private readonly float[] _logits = new float[(maxScoredRows ?? maxRows) * model.Vocabulary];
    private int _call;

    public int LayerCount => model.Layers;

    public long RuntimeTicks => 0;

    public Precision? DraftPrecision => Precision.Int4;

    public int VocabularySize => model.Vocabulary;

    public int MaxSequenceLength => maxSequenceLength;

    public int ResidualWidth => 64;

    public int MaxRows => maxRows;

    public int MaxScoredRows { get; } = maxScoredRows ?? maxRows;

    /// <summary>Passes begun.</summary>
    public int Passes { get; private set; }

    /// <summary>Rows of the last pass.</summary>
    public int Rows { get; private set; }

    /// <summary>Rows of the largest pass.</summary>
    public int LargestPass { get; private set; }

    /// <summary>Rows that were scored in the last pass.</summary>
    public int ScoredRows { get; private set; }

    /// <summary>The memory of keys and values.</summary>
    public FakeKvMemory Memory { get; } = new(model.Layers);

    public KvPool Pages => field ??= new KvPool(Memory);

    /// <summary>
    /// Told the number of the pass, from 1, and of the call in it: 0 is the embedding, then come the blocks, then the calls
    /// of the head. What it throws, the call throws. In an attention block it is called in the middle of the work, when the
    /// storage holds nonsense for the rows of the pass.
    /// </summary>
    public Action<int, int>? DuringCall { get; set; }

    /// <summary>Told the number of the pass and its logits, which it may change.</summary>
    public Action<int, float[]>? AfterHead { get; set; }

    /// <summary>Calls of a pass that scores once: the embedding, the blocks, the head.</summary>
    public int CallsInPass => 2 * LayerCount + 2;

    public void Embed(RowBatch batch, WeightSet weights = WeightSet.Verifier)
    {
        Passes++;
        Rows = batch.Rows;
        LargestPass = Math.Max(LargestPass, Rows);
        ScoredRows = 0;
        _call = 0;
        Check(batch);
        DuringCall?.Invoke(Passes, _call);
        for (int row = 0; row < batch.Rows; row++)
        {
            // Weights of lower precision give another residual, in which the byte that decides easy tokens is the same.
            _residuals[row] = model.Embed(batch.Tokens[row]) ^ (weights == WeightSet.Drafter ? 0xABCDEFUL << 20 : 0);
        }
    }

    public void Run(Block block, RowBatch batch)
    {
        _call++;
        Check(batch);
        if (batch.Rows != Rows || block.Layer < 0 || block.Layer >= LayerCount)
        {
            Assert.Fail($"{block} runs on {batch.Rows} rows in a pass of {Rows} rows through {LayerCount} layers.");
        }

        if (block.Kind == BlockKind.Mlp)
        {
            DuringCall?.Invoke(Passes, _call);
            for (int row = 0; row < Rows; row++)
            {
                _residuals[row] = ScriptedModel.AddMlp(block.Layer, _residuals[row]);
            }

            return;
        }

        for (int i = 0; i < batch.Spans.Count; i++)
        {
            Write(batch.Spans[i], block.Layer, nonsense: 1);
        }

        DuringCall?.Invoke(Passes, _call);
        for (int i = 0; i < batch.Spans.Count; i++)
        {
            Write(batch.Spans[i], block.Layer, nonsense: 0);
            Attend(batch.Spans[i], block.Layer);
        }
    }

    public void Keep(int row, int slot) => _kept[slot] = _residuals[row];

    /// <summary>The residual's bits, as a vector.</summary>
    public void ReadResidual(int row, Span<float> destination)
    {
        for (int bit = 0; bit < ResidualWidth; bit++)
        {
            destination[bit] = (_residuals[row] >> bit) & 1;
        }
    }

    public void Arrange(IReadOnlyList<RowSource> sources, RowBatch batch)
    {
        Check(batch);
        int row = 0;
        for (int i = 0; i < sources.Count; i++)
        {
            RowSource source = sources[i];
            (source.IsKept ? _kept : _residuals).AsSpan(source.First, source.Rows).CopyTo(_arranged.AsSpan(row));
            row += source.Rows;
        }

        if (row != batch.Rows)
        {
            Assert.Fail($"{row} rows are arranged for a batch of {batch.Rows}.");
        }

        (_residuals, _arranged) = (_arranged, _residuals);
        Rows = batch.Rows;
        LargestPass = Math.Max(LargestPass, Rows);
    }

    public Span<float> Head(ReadOnlySpan<int> rows)
    {
        _call++;
        if (rows.Length < 1 || rows.Length > MaxScoredRows)
        {
            Assert.Fail($"The head takes 1 to {MaxScoredRows} rows, but {rows.Length} are given.");
        }

        DuringCall?.Invoke(Passes, _call);
        ScoredRows += rows.Length;
        for (int i = 0; i < rows.Length; i++)
        {
            if (rows[i] < 0 || rows[i] >= Rows)
            {
                Assert.Fail($"Row {rows[i]} is scored in a pass of {Rows} rows.");
            }

            model.Score(_residuals[rows[i]], _logits.AsSpan(i * VocabularySize, VocabularySize));
        }

        AfterHead?.Invoke(Passes, _logits);
        return _logits.AsSpan(0, rows.Length * VocabularySize);
    }

    public void Dispose()
    {
    }

    private void Write(RowSpan span, int layer, ulong nonsense)
    {
        for (int i = 0; i < span.Rows; i++)
        {
            int position = span.FirstPosition + i;
            Memory.Write(span.Cache, layer, position, ScriptedModel.Entry(layer, position, _residuals[span.FirstRow + i]) + nonsense);
        }
    }

    private void Attend(RowSpan span, int layer)
    {
        for (int i = 0; i < span.Rows; i++)
        {
            ulong attended = 0;
            for (int position = 0; position <= span.FirstPosition + i; position++)
            {
                attended = ScriptedModel.Read(attended, Memory.Read(span.Cache, layer, position));
            }

            ref ulong residual = ref _residuals[span.FirstRow + i];
            residual = ScriptedModel.AddAttention(layer, residual, attended);
        }
    }

    // The parts lie back to back and fill the batch; each writes only where its cache has reserved room.
    private void Check(RowBatch batch)
    {
        int row = 0;
        for (int i = 0; i < batch.Spans.Count; i++)
        {
            RowSpan span = batch.Spans[i];
            int end = span.FirstPosition + span.Rows;
            if (span.FirstRow != row || span.Rows < 1 || span.FirstPosition < 0)
            {
                Assert.Fail($"{span} does not begin at row {row}, or has no rows.");
            }

            if (!span.Cache.InTransaction || end > span.Cache.CachedLength)
            {
                string transaction = span.Cache.InTransaction ? "a" : "no";
                Assert.Fail($"Positions up to {end} are written, but the cache has {span.Cache.CachedLength} and {transaction} transaction.");
            }

            row += span.Rows;
        }

        if (row != batch.Rows || row < 1 || row > MaxRows)
        {
            Assert.Fail($"The parts have {row} rows, the batch {batch.Rows}, and at most {MaxRows} are allowed.");
        }
    }
}
