using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using SpecDecode.Descriptions;
using SpecDecode.Kernels;
using SpecDecode.OnnxRuntime.Graphs;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.OnnxRuntime.Operators;
using SpecDecode.Plans;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>A bridge as a stage: its matrices in panels, in bfloat16, and the session that multiplies by them. The kernels are this library's whatever the model's are.</summary>
internal sealed unsafe class BridgeStage : IDisposable
{
    // What drafts run on need not be exact, and a matrix of halves is read in half the time.
    private const Precision Stored = Precision.Bf16;

    private readonly List<StageBuffer> _panels = [];
    private readonly List<long> _numbers = [];

    /// <summary>Makes the stage.</summary>
    /// <param name="bridge">The bridge, as wide as the model's residual.</param>
    /// <param name="graphs">Writes the graph.</param>
    /// <param name="products">Where its products take memory from while they run.</param>
    /// <param name="allocator">Where its memory comes from.</param>
    /// <param name="options">Options of all sessions.</param>
    /// <param name="run">Runs the session.</param>
    public BridgeStage(LinearBridge bridge, StageGraphs graphs, ProductSet products, IBufferAllocator allocator, SessionOptions options, RunClock run)
    {
        Bridge = bridge;
        try
        {
            if (!bridge.IsFull)
            {
                Add(products, allocator, bridge.Down.Span, bridge.Width, bridge.Rank);
            }

            Add(products, allocator, bridge.Up.Span, bridge.Rank, bridge.Width);
            Session = new StageSession(graphs.Bridge(bridge.Scale.Span, CollectionsMarshal.AsSpan(_numbers)), options, run);
        }
        catch (OnnxRuntimeException error)
        {
            Dispose();
            throw new SpecDecodeException($"ONNX Runtime cannot create the stage of a bridge: {error.Message.Trim()} Free memory, or leave the bridge out.", error);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The bridge.</summary>
    public LinearBridge Bridge { get; }

    /// <summary>Residual to residual.</summary>
    public StageSession Session { get; } = null!;

    /// <inheritdoc/>
    public void Dispose()
    {
        Session?.Dispose();
        _numbers.ForEach(KernelTable<Product>.Remove);
        _numbers.Clear();
        _panels.ForEach(panels => panels.Dispose());
        _panels.Clear();
    }

    private void Add(ProductSet products, IBufferAllocator allocator, ReadOnlySpan<float> matrix, int inputs, int outputs)
    {
        int panelBytes = checked((int)PanelLayout.PanelBytes(new TensorFormat(Stored, 0, TensorLayout.Panels), inputs));
        int panels = (int)PanelLayout.Panels(outputs);
        StageBuffer buffer = allocator.Reserve((long)panels * panelBytes, "a bridge");
        _panels.Add(buffer);
        for (int panel = 0; panel < panels; panel++)
        {
            int first = panel * PanelLayout.Outputs;
            PanelPacker.PackFloats(
                Stored, matrix.Slice(first * inputs, Math.Min(PanelLayout.Outputs, outputs - first) * inputs), inputs, buffer.Span<byte>((long)panel * panelBytes, panelBytes));
        }

        // Memory of the system's, which does not move.
        byte* start = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(buffer.Span<byte>(0, 1)));
        _numbers.Add(KernelTable<Product>.Add(products.Apart(start, Stored, inputs, outputs)));
    }
}
