using SpecDecode.Descriptions;
using SpecDecode.OnnxRuntime.Memory;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>
/// The rows of a pass, in what stages compute in. Where there is a device, what goes from stage to stage lies there; queries, keys and values come back
/// where attention runs in the process, and of logits what is chosen, or rows that somebody has to look at.
/// </summary>
internal sealed class PassBuffers : IDisposable
{
    // A single row, alone or left over behind a kernel's blocks, goes through another kernel than several and rounds otherwise. Such a
    // row gets a companion (RowRule), so that it comes out the same, bit for bit, alone and among others. The companion is a copy of
    // the row, and its results are dropped. Attention needs none.
    private const int SpareRows = 1;

    private readonly DecoderDescription _model;
    private readonly IBufferAllocator _allocator;
    private readonly DeviceRows? _device;
    private readonly List<RowBuffer> _all = [];
    private readonly DeviceRowMoves? _deviceMoves;

    /// <summary>Reserves them.</summary>
    /// <param name="model">The model.</param>
    /// <param name="allocator">The process's memory.</param>
    /// <param name="device">The device's; null for none.</param>
    /// <param name="attendsOnDevice">Whether attention runs there too.</param>
    /// <param name="maxRows">Most rows in a pass.</param>
    /// <param name="maxScoredRows">Most rows that are scored at once.</param>
    /// <param name="draftVocabulary">Tokens that drafts choose from; 0 for all.</param>
    public PassBuffers(DecoderDescription model, IBufferAllocator allocator, DeviceRows? device, bool attendsOnDevice, int maxRows, int maxScoredRows, int draftVocabulary)
    {
        _model = model;
        _allocator = allocator;
        _device = device;
        try
        {
            bool hasLayerInput = model.Layers.Any(layer => layer.IsParallel);
            int run = maxRows + SpareRows;
            int scored = maxScoredRows + SpareRows;
            int kept = device is null ? maxRows : DeviceRowMoves.RoomForKept(maxRows);
            RowBuffer? all = device is null ? null
                : ReserveOnDevice(checked(2 * run + kept + scored + (hasLayerInput ? run + kept : 0)), model.HiddenSize, "residuals");
            int reserved = 0;
            RowBuffer Residual(int rows, string purpose)
            {
                RowBuffer part = all is null ? Reserve(rows, model.HiddenSize, purpose) : Own(all.Part(allocator, reserved, rows, purpose));
                reserved += rows;
                return part;
            }

            Moves = all is null ? new ProcessRowMoves() : _deviceMoves = device!.CreateMoves(all, Math.Max(run, scored));
            Residuals = [Residual(run, "residuals"), Residual(run, "residuals")];
            Kept = Residual(kept, "rows kept for verification");
            Packed = ReserveByLayer(attendsOnDevice, run, attend => attend.PackedWidth, "queries, keys and values");
            Attended = ReserveByLayer(attendsOnDevice, run, attend => attend.OutputWidth, "attention");
            Scored = Residual(scored, "the head's rows");
            LayerInput = hasLayerInput ? new LayerInput(Residual(run, "layer inputs"), Residual(kept, "kept layer inputs"), Moves) : null;
            Logits = device is null ? Reserve(scored, model.VocabularySize, "logits")
                : ReserveOnDevice(scored, model.VocabularySize, "logits");
            Choices = device is null ? null : Own(new RowBuffer(allocator, ElementType.Float32, scored, 2, "choices"));
            DraftLogits = draftVocabulary == 0 ? null : Reserve(maxScoredRows, draftVocabulary, "logits of drafts");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Moves rows between those that are as wide as the residual.</summary>
    public IRowMoves Moves { get; }

    /// <summary>Time in the stage that moves them, where there is one, in ticks of <see cref="System.Diagnostics.Stopwatch"/>.</summary>
    public long MoveTicks => _deviceMoves?.RuntimeTicks ?? 0;

    /// <summary>The two that hold the residual in turn, <c>[rows, d]</c>.</summary>
    public RowBuffer[] Residuals { get; }

    /// <summary>Rows of it that were kept.</summary>
    public RowBuffer Kept { get; }

    /// <summary>What layers began with, of a model with parallel ones.</summary>
    public LayerInput? LayerInput { get; }

    /// <summary>Packed queries, keys and values, by layer; layers of one width share one.</summary>
    public RowBuffer[] Packed { get; }

    /// <summary>Attended rows, likewise.</summary>
    public RowBuffer[] Attended { get; }

    /// <summary>Rows that are scored.</summary>
    public RowBuffer Scored { get; }

    /// <summary>Their logits, <c>[rows, V]</c>.</summary>
    public RowBuffer Logits { get; }

    /// <summary>On a device, of each the greedy choice and its probability, <c>[rows, 2]</c>, in the process's memory; null elsewhere.</summary>
    public RowBuffer? Choices { get; }

    /// <summary>Logits of the tokens that drafts choose from; null where they choose from all.</summary>
    public RowBuffer? DraftLogits { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        _deviceMoves?.Dispose();
        _all.ForEach(buffer => buffer.Dispose());
    }

    private RowBuffer[] ReserveByLayer(bool isOnDevice, int rows, Func<AttendDescription, int> width, string purpose)
    {
        Dictionary<int, RowBuffer> byWidth = [];
        int[] widths = [.. _model.Layers.Select(layer => width(layer.Attention.Attend))];
        foreach (int each in widths.Distinct())
        {
            byWidth.Add(each, isOnDevice ? ReserveOnDevice(rows, each, purpose) : Reserve(rows, each, purpose));
        }

        return [.. widths.Select(each => byWidth[each])];
    }

    private RowBuffer ReserveOnDevice(int rows, int width, string purpose) =>
        Own(new RowBuffer(_device!.Buffers, _device, _allocator, _model.ElementType, rows, width, purpose));

    private RowBuffer Reserve(int rows, int width, string purpose) => Own(new RowBuffer(_allocator, _model.ElementType, rows, width, purpose));

    private RowBuffer Own(RowBuffer buffer)
    {
        _all.Add(buffer);
        return buffer;
    }
}
