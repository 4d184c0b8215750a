using Microsoft.ML.OnnxRuntime;
using SpecDecode.Caching;
using SpecDecode.Descriptions;
using SpecDecode.Kernels.Attention;
using SpecDecode.OnnxRuntime.Graphs;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>
/// The stages on ONNX Runtime, on one or two copies of the weights. The residual lives in two buffers: a block reads one and writes the other. Everything is
/// one call for all rows.
/// </summary>
internal sealed class OnnxStages : IStages
{
    // Logits of one call of the head: enough rows that its weights are read seldom, little enough to be no memory worth naming.
    private const int MaxLogitBytes = 16 << 20;

    private readonly DecoderDescription _model;
    private readonly StageSessions _verifier;
    private readonly StageSessions? _drafter;
    private readonly DeviceRows? _device;
    private readonly IAttentionStages _attention;
    private readonly PassBuffers _buffers;
    private readonly RowBuffer[] _residuals;
    private readonly HeadStages _heads;
    private readonly BridgeStages _bridges;
    private readonly LayerInput? _layerInput;

    // Those of the pass that runs.
    private StageSessions _sessions;

    // Which of the two residual buffers holds the rows now.
    private int _current;

    /// <summary>Takes over the sessions, unless it throws, and reserves the buffers of a pass.</summary>
    /// <param name="model">The model.</param>
    /// <param name="verifier">Sessions of its weights, whose rows have been probed.</param>
    /// <param name="drafter">Sessions of a copy in lower precision, and that precision; null where there is none.</param>
    /// <param name="attention">Attention of all layers.</param>
    /// <param name="bridges">What runs bridges.</param>
    /// <param name="allocator">Where buffers come from.</param>
    /// <param name="maxSequenceLength">Longest sequence.</param>
    /// <param name="maxRows">Most rows in a pass.</param>
    /// <param name="device">Where the residual lies, taken over too; null for the process's memory, where everything else lies always.</param>
    public OnnxStages(
        DecoderDescription model, StageSessions verifier, (StageSessions Sessions, Precision Precision)? drafter, IAttentionStages attention,
        BridgeStages bridges, IBufferAllocator allocator, int maxSequenceLength, int maxRows, DeviceRows? device = null)
    {
        _model = model;
        _device = device;
        _verifier = verifier;
        _drafter = drafter?.Sessions;
        DraftPrecision = drafter?.Precision;
        _sessions = verifier;
        MaxSequenceLength = maxSequenceLength;
        MaxRows = maxRows;
        MaxScoredRows = Math.Clamp(MaxLogitBytes / sizeof(float) / model.VocabularySize, 1, maxRows);
        _attention = attention;
        _buffers = new PassBuffers(model, allocator, device, attention.IsOnDevice, maxRows, MaxScoredRows, DraftVocabulary.Length);
        _residuals = _buffers.Residuals;
        _layerInput = _buffers.LayerInput;
        _bridges = bridges;
        _heads = new HeadStages(_buffers, model.VocabularySize);
    }

    /// <inheritdoc/>
    public int LayerCount => _model.Layers.Length;

    /// <inheritdoc/>
    public int VocabularySize => _model.VocabularySize;

    /// <inheritdoc/>
    public int MaxSequenceLength { get; }

    /// <inheritdoc/>
    public int ResidualWidth => _model.HiddenSize;

    /// <inheritdoc/>
    public int MaxRows { get; }

    /// <inheritdoc/>
    public int MaxScoredRows { get; }

    /// <inheritdoc/>
    public ReadOnlySpan<int> DraftVocabulary => _verifier.DraftHead is { IsWhole: false } head ? head.Tokens : default;

    /// <inheritdoc/>
    public long RuntimeTicks => _verifier.RuntimeTicks + (_drafter?.RuntimeTicks ?? 0) + _attention.RuntimeTicks + _bridges.RuntimeTicks + _buffers.MoveTicks;

    /// <summary>What of <see cref="RuntimeTicks"/> is attention, without the projections around it.</summary>
    public long AttentionTicks => _attention.RuntimeTicks;

    /// <inheritdoc/>
    public Precision? DraftPrecision { get; }

    /// <inheritdoc/>
    public bool RowsAreAlike => _verifier.BlockRows.IsAlike && _verifier.HeadRows.IsAlike && _attention.RowsAreAlike;

    /// <inheritdoc/>
    public BridgeSet Bridges => _bridges.Set;

    /// <inheritdoc/>
    public KvPool Pages => _attention.Pages;

    /// <inheritdoc/>
    public int KvKind(int capacity) => _attention.KindOf(capacity);

    /// <summary>Bytes that the keys and values of a sequence take with a model that is not loaded, in whole pages.</summary>
    /// <param name="model">The model.</param>
    /// <param name="precision">What they are stored as.</param>
    /// <param name="length">Positions.</param>
    public static long KvBytes(DecoderDescription model, KvPrecision precision, int length) => checked(
        ((long)length + PageLayout.Positions - 1) / PageLayout.Positions
        * KvPageMemory.BytesOfPage([.. model.Layers.Select(layer => layer.Attention.Attend)], precision));

    /// <inheritdoc/>
    public void Embed(RowBatch batch, WeightSet weights = WeightSet.Verifier)
    {
        _sessions = weights == WeightSet.Verifier ? _verifier
            : _drafter ?? throw new InvalidOperationException("The model was loaded without weights of lower precision to draft with.");
        _attention.SetRows(batch);
        _current = 0;
        _layerInput?.Leave();
        RowBuffer residual = _residuals[_current];
        _sessions.Embed.Read(batch.Tokens, residual.Floats(batch.Rows));
        residual.Write(batch.Rows);
        Accompany(residual, batch.Rows);
    }

    /// <inheritdoc/>
    public void Run(Block block, RowBatch batch)
    {
        int layer = block.Layer;
        RowBuffer next = _residuals[1 - _current];
        if (block.Kind == BlockKind.Attention)
        {
            RunOverRows(_sessions.AttentionIn[layer], batch.Rows, _buffers.Packed[layer]);
            _attention.Run(layer, _buffers.Packed[layer], _buffers.Attended[layer], batch.Rows);
            Accompany(_buffers.Attended[layer], batch.Rows);
            RunOverRows(_sessions.AttentionOut[layer], batch.Rows, next, _buffers.Attended[layer]);
            _layerInput?.Enter(layer, _residuals[_current], _sessions.BlockRows.RowsToRun(batch.Rows));
        }
        else if (block.Kind == BlockKind.Bridge)
        {
            RunOverRows(_bridges.Of(layer), batch.Rows, next);
            _layerInput?.Leave();
        }
        else
        {
            RowBuffer? input = _model.Layers[layer].IsParallel ? _layerInput!.Of(layer) ?? _residuals[_current] : null;
            RunOverRows(_sessions.Mlp[layer], batch.Rows, next, layerInput: input);
            _layerInput?.Leave();
        }

        _current = 1 - _current;
    }

    /// <inheritdoc/>
    public void Run(ReadOnlySpan<Block> blocks, RowBatch batch)
    {
        if (blocks.Length == 0)
        {
            return;
        }

        // A bridge, which is the last where there is one, is in no segment: another may come to lie in its place.
        bool isBridged = blocks[^1].Kind == BlockKind.Bridge;
        ReadOnlySpan<Block> own = isBridged ? blocks[..^1] : blocks;
        if (own.Length > 0 && _attention.RunsSegments && _sessions.Segments?.Of(own) is { } segments)
        {
            for (int i = 0; i < segments.Count; i++)
            {
                segments[i].Run(_attention.BindSegment(segments[i], _residuals, _current, batch.Rows, _sessions.BlockRows.RowsToRun(batch.Rows)));
                _current = 1 - _current;
            }

            if (isBridged)
            {
                Run(blocks[^1], batch);
            }

            return;
        }

        foreach (Block block in blocks)
        {
            Run(block, batch);
        }
    }

    /// <inheritdoc/>
    public void Keep(int row, int slot) => Keep([row], [slot]);

    /// <inheritdoc/>
    public void Keep(ReadOnlySpan<int> rows, ReadOnlySpan<int> slots)
    {
        _buffers.Moves.Keep(_residuals[_current], rows, _buffers.Kept, slots);
        _layerInput?.Keep(rows, slots);
    }

    /// <inheritdoc/>
    public void ReadResidual(int row, Span<float> destination) => _residuals[_current].Read(row, destination);

    /// <inheritdoc/>
    public void WriteResidual(int row, ReadOnlySpan<float> values) => _residuals[_current].Write(row, values);

    /// <inheritdoc/>
    public void Arrange(IReadOnlyList<RowSource> sources, RowBatch batch)
    {
        _buffers.Moves.Arrange(sources, _residuals[_current], _buffers.Kept, _residuals[1 - _current], _sessions.BlockRows.RowsToRun(batch.Rows));
        // What was the residual is free now.
        _layerInput?.Arrange(sources, _residuals[_current], _sessions.BlockRows.RowsToRun(batch.Rows));
        _current = 1 - _current;
        _attention.SetRows(batch);
    }

    /// <inheritdoc/>
    public Span<float> Head(ReadOnlySpan<int> rows) => _heads.Logits(_sessions, _residuals[_current], rows);

    /// <inheritdoc/>
    public bool KeepsLogits => _device is not null;

    /// <inheritdoc/>
    public ReadOnlySpan<RowChoice> Choose(ReadOnlySpan<int> rows) => _heads.Choose(_sessions, _residuals[_current], rows);

    /// <inheritdoc/>
    public Span<float> ChosenLogits(int index) => _heads.ChosenLogits(index);

    /// <inheritdoc/>
    public Span<float> DraftHead(ReadOnlySpan<int> rows) => _heads.DraftLogits(_sessions, _residuals[_current], rows);

    /// <inheritdoc/>
    public void PutInDraftVocabulary(int place, int token)
    {
        _verifier.DraftHead!.Put(place, token);
        _drafter?.DraftHead!.Put(place, token);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _verifier.Dispose();
        _drafter?.Dispose();
        _attention.Dispose();
        _bridges.Dispose();
        _buffers.Dispose();
        _device?.Dispose();
    }

    // Rows that run beside one that must not be alone; each is a copy of it, so that nothing of another sequence is read.
    private void Accompany(RowBuffer buffer, int rows) => buffer.Repeat(rows, _sessions.BlockRows.RowsToRun(rows));

    // A stage over all rows: from the residual, and what attention gave or what the layer began with where it takes that too,
    // to its output. Its binding depends on the number of rows and on the buffers that hold the residual and the layer's input.
    private void RunOverRows(StageSession stage, int rows, RowBuffer output, RowBuffer? attended = null, RowBuffer? layerInput = null)
    {
        rows = _sessions.BlockRows.RowsToRun(rows);
        bool isInputApart = layerInput is not null && layerInput != _residuals[_current];
        int key = 4 * rows + (isInputApart ? 2 : 0) + _current;
        OrtIoBinding? kept = stage.KeptBinding(key);
        OrtIoBinding binding = kept ?? stage.NewBinding();
        if (kept is null || stage.CopiesInputs)
        {
            _residuals[_current].BindInput(binding, StageNames.Residual, rows);
            if (attended is not null)
            {
                attended.BindInput(binding, StageNames.Attended, rows);
            }

            if (layerInput is not null)
            {
                layerInput.BindInput(binding, StageNames.LayerInput, rows);
            }
        }

        if (kept is null)
        {
            output.BindOutput(binding, StageNames.Output, rows);
            stage.Keep(key, binding);
        }

        stage.Run(binding, key, rows);
    }
}
