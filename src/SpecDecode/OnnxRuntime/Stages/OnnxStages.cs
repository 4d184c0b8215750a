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

    // A single row, alone or left over behind a kernel's blocks, goes through another kernel than several and rounds otherwise. Such a
    // row gets a companion (RowRule), so that it comes out the same, bit for bit, alone and among others. The companion is a copy of
    // the row, and its results are dropped. Attention needs none.
    private const int SpareRows = 1;

    private readonly DecoderDescription _model;
    private readonly StageSessions _verifier;
    private readonly StageSessions? _drafter;
    private readonly IBufferAllocator _allocator;
    private readonly AttendDescription[] _attends;
    private readonly AttentionStages _attention;
    private readonly BridgeStages _bridges;
    private readonly List<StageBuffer> _buffers = [];

    private readonly StageBuffer[] _residuals;
    private readonly StageBuffer _kept;
    private readonly LayerInput? _layerInput;
    private readonly StageBuffer _packed;
    private readonly StageBuffer _attended;
    private readonly StageBuffer _scored;
    private readonly StageBuffer _logits;
    private readonly StageBuffer? _draftLogits;

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
    public OnnxStages(
        DecoderDescription model, StageSessions verifier, (StageSessions Sessions, Precision Precision)? drafter, AttentionStages attention,
        BridgeStages bridges, IBufferAllocator allocator, int maxSequenceLength, int maxRows)
    {
        _model = model;
        _verifier = verifier;
        _drafter = drafter?.Sessions;
        DraftPrecision = drafter?.Precision;
        _sessions = verifier;
        _allocator = allocator;
        MaxSequenceLength = maxSequenceLength;
        MaxRows = maxRows;
        MaxScoredRows = Math.Clamp(MaxLogitBytes / sizeof(float) / model.VocabularySize, 1, maxRows);
        _attends = [.. model.Layers.Select(layer => layer.Attention.Attend)];
        _attention = attention;
        _bridges = bridges;
        try
        {
            _residuals = [Reserve(maxRows + SpareRows, RowBytes(model.HiddenSize), "residuals"), Reserve(maxRows + SpareRows, RowBytes(model.HiddenSize), "residuals")];
            _kept = Reserve(maxRows, RowBytes(model.HiddenSize), "rows kept for verification");
            _packed = Reserve(maxRows + SpareRows, RowBytes(_attends.Max(attend => attend.PackedWidth)), "queries, keys and values");
            _attended = Reserve(maxRows + SpareRows, RowBytes(_attends.Max(attend => attend.OutputWidth)), "attention");
            _scored = Reserve(MaxScoredRows + SpareRows, RowBytes(model.HiddenSize), "the head's rows");
            if (model.Layers.Any(layer => layer.IsParallel))
            {
                _layerInput = new LayerInput(
                    Reserve(maxRows + SpareRows, RowBytes(model.HiddenSize), "layer inputs"), Reserve(maxRows, RowBytes(model.HiddenSize), "kept layer inputs"), model.HiddenSize);
            }

            _logits = Reserve(MaxScoredRows + SpareRows, RowBytes(model.VocabularySize), "logits");
            if (DraftVocabulary.Length > 0)
            {
                _draftLogits = Reserve(MaxScoredRows, RowBytes(DraftVocabulary.Length), "logits of drafts");
            }
        }
        catch
        {
            FreeBuffers();
            throw;
        }
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
    public ReadOnlySpan<int> DraftVocabulary => _verifier.ShortHead is { } head ? head.Tokens : default;

    /// <inheritdoc/>
    public long RuntimeTicks => _verifier.RuntimeTicks + (_drafter?.RuntimeTicks ?? 0) + _attention.RuntimeTicks + _bridges.RuntimeTicks;

    /// <inheritdoc/>
    public Precision? DraftPrecision { get; }

    /// <inheritdoc/>
    public bool RowsAreAlike => _verifier.BlockRows.IsAlike && _verifier.HeadRows.IsAlike;

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
        _sessions.Embed.Read(batch.Tokens, Rows(_residuals[_current], 0, batch.Rows));
        Companions.Accompany(_residuals[_current], batch.Rows, _sessions.BlockRows, _model.HiddenSize);
    }

    /// <inheritdoc/>
    public void Run(Block block, RowBatch batch)
    {
        int layer = block.Layer;
        StageBuffer next = _residuals[1 - _current];
        if (block.Kind == BlockKind.Attention)
        {
            RunOverRows(_sessions.AttentionIn[layer], batch.Rows, _packed, _attends[layer].PackedWidth);
            _attention.Run(layer, _packed, _attended, batch.Rows);
            Companions.Accompany(_attended, batch.Rows, _sessions.BlockRows, _attends[layer].OutputWidth);
            RunOverRows(_sessions.AttentionOut[layer], batch.Rows, next, _model.HiddenSize, _attends[layer].OutputWidth);
            _layerInput?.Enter(layer, Rows(_residuals[_current], 0, _sessions.BlockRows.RowsToRun(batch.Rows)));
        }
        else if (block.Kind == BlockKind.Bridge)
        {
            RunOverRows(_bridges.Of(layer), batch.Rows, next, _model.HiddenSize);
            _layerInput?.Leave();
        }
        else
        {
            StageBuffer? input = _model.Layers[layer].IsParallel ? _layerInput!.Of(layer) ?? _residuals[_current] : null;
            RunOverRows(_sessions.Mlp[layer], batch.Rows, next, _model.HiddenSize, layerInput: input);
            _layerInput?.Leave();
        }

        _current = 1 - _current;
    }

    /// <inheritdoc/>
    public void Keep(int row, int slot)
    {
        Rows(_residuals[_current], row, 1).CopyTo(Rows(_kept, slot, 1));
        _layerInput?.Keep(row, slot);
    }

    /// <inheritdoc/>
    public void ReadResidual(int row, Span<float> destination) => Rows(_residuals[_current], row, 1).CopyTo(destination);

    /// <inheritdoc/>
    public void WriteResidual(int row, ReadOnlySpan<float> values) => values.CopyTo(Rows(_residuals[_current], row, 1));

    /// <inheritdoc/>
    public void Arrange(IReadOnlyList<RowSource> sources, RowBatch batch)
    {
        StageBuffer next = _residuals[1 - _current];
        int row = 0;
        for (int i = 0; i < sources.Count; i++)
        {
            RowSource source = sources[i];
            Rows(source.IsKept ? _kept : _residuals[_current], source.First, source.Rows).CopyTo(Rows(next, row, source.Rows));
            row += source.Rows;
        }

        Companions.Accompany(next, batch.Rows, _sessions.BlockRows, _model.HiddenSize);
        // What was the residual is free now.
        _layerInput?.Arrange(sources, Rows(_residuals[_current], 0, _sessions.BlockRows.RowsToRun(batch.Rows)));
        _current = 1 - _current;
        _attention.SetRows(batch);
    }

    /// <inheritdoc/>
    public Span<float> Head(ReadOnlySpan<int> rows)
    {
        TakeScored(rows);
        Companions.Accompany(_scored, rows.Length, _sessions.HeadRows, _model.HiddenSize);
        RunHead(_sessions.Head, _sessions.HeadRows.RowsToRun(rows.Length), _logits, _model.VocabularySize);
        return _logits.Span<float>(0, rows.Length * _model.VocabularySize);
    }

    /// <inheritdoc/>
    public Span<float> DraftHead(ReadOnlySpan<int> rows)
    {
        if (_sessions.ShortHead is not { } head)
        {
            return Head(rows);
        }

        TakeScored(rows);
        RunHead(head.Stage, rows.Length, _draftLogits!, head.Count);
        Span<float> logits = _logits.Span<float>(0, rows.Length * _model.VocabularySize);
        head.Spread(_draftLogits!.Span<float>(0, rows.Length * head.Count), logits, rows.Length);
        return logits;
    }

    /// <inheritdoc/>
    public void PutInDraftVocabulary(int place, int token)
    {
        _verifier.ShortHead!.Put(place, token);
        _drafter?.ShortHead!.Put(place, token);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _verifier.Dispose();
        _drafter?.Dispose();
        _attention.Dispose();
        _bridges.Dispose();
        FreeBuffers();
    }

    private void FreeBuffers()
    {
        foreach (StageBuffer buffer in _buffers)
        {
            buffer.Dispose();
        }
    }

    // Rows of a buffer that is as wide as the residual.
    private Span<float> Rows(StageBuffer buffer, int first, int rows) =>
        buffer.Span<float>((long)first * _model.HiddenSize, rows * _model.HiddenSize);

    private long RowBytes(int width) => (long)width * _model.ElementType.Bytes();

    private void BindInput(OrtIoBinding binding, string name, StageBuffer buffer, int rows, int width)
    {
        using OrtValue view = buffer.View(_model.ElementType, 0, rows, width);
        binding.BindInput(name, view);
    }

    private void BindOutput(OrtIoBinding binding, StageBuffer buffer, int rows, int width)
    {
        using OrtValue view = buffer.View(_model.ElementType, 0, rows, width);
        binding.BindOutput(StageNames.Output, view);
    }

    // A stage over all rows: from the residual, and what attention gave or what the layer began with where it takes that too,
    // to its output. Its binding depends on the number of rows and on the buffers that hold the residual and the layer's input.
    private void RunOverRows(
        StageSession stage, int rows, StageBuffer output, int outputWidth, int attendedWidth = 0, StageBuffer? layerInput = null)
    {
        rows = _sessions.BlockRows.RowsToRun(rows);
        bool isInputApart = layerInput is not null && layerInput != _residuals[_current];
        int key = 4 * rows + (isInputApart ? 2 : 0) + _current;
        OrtIoBinding? binding = stage.KeptBinding(key);
        if (binding is null)
        {
            binding = stage.NewBinding();
            BindInput(binding, StageNames.Residual, _residuals[_current], rows, _model.HiddenSize);
            if (attendedWidth > 0)
            {
                BindInput(binding, StageNames.Attended, _attended, rows, attendedWidth);
            }

            if (layerInput is not null)
            {
                BindInput(binding, StageNames.LayerInput, layerInput, rows, _model.HiddenSize);
            }

            BindOutput(binding, output, rows, outputWidth);
            stage.Keep(key, binding);
        }

        stage.Run(binding);
    }

    private void TakeScored(ReadOnlySpan<int> rows)
    {
        for (int i = 0; i < rows.Length; i++)
        {
            Rows(_residuals[_current], rows[i], 1).CopyTo(Rows(_scored, i, 1));
        }
    }

    private void RunHead(StageSession stage, int rows, StageBuffer logits, int width)
    {
        OrtIoBinding? binding = stage.KeptBinding(rows);
        if (binding is null)
        {
            binding = stage.NewBinding();
            BindInput(binding, StageNames.Residual, _scored, rows, _model.HiddenSize);
            BindOutput(binding, logits, rows, width);
            stage.Keep(rows, binding);
        }

        stage.Run(binding);
    }

    private StageBuffer Reserve(int rows, long rowBytes, string purpose)
    {
        StageBuffer buffer = _allocator.Reserve(checked(rows * rowBytes), purpose);
        _buffers.Add(buffer);
        return buffer;
    }
}
