using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SpecDecode.Descriptions;
using SpecDecode.Kernels;
using SpecDecode.OnnxRuntime.Graphs;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.OnnxRuntime.Operators;
using SpecDecode.Weights;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>
/// A head that only drafts use: copies of the rows of some tokens or of all, in panels of their own, so that the product reads those alone. In the
/// precision of the head its logits are the head's, bit for bit; in a lower one the rows are rounded as weights are, from what the head holds. Which tokens they are
/// changes between passes.
/// </summary>
internal sealed unsafe class DraftHead : IDisposable
{
    private readonly PreparedTensor _head;
    private readonly int _inputs;
    private readonly TensorFormat _format;
    private readonly int _sourceBytes;
    private readonly int _panelBytes;
    private readonly byte* _source;
    private readonly float* _sourceBias;
    private readonly StageBuffer _panels;
    private readonly StageBuffer? _bias;
    private readonly int[] _tokens;
    private readonly Rounding? _rounding;

    /// <summary>Copies the rows of the first tokens.</summary>
    /// <param name="model">The model.</param>
    /// <param name="weights">Its weights, which lie in panels; they must stay open as long as this lives.</param>
    /// <param name="products">Gets the product.</param>
    /// <param name="allocator">Where its memory comes from.</param>
    /// <param name="tokens">How many, S: V, or a multiple of <see cref="PanelLayout.Outputs"/> below it.</param>
    /// <param name="format">What they are stored as, in panels: that of the head, or a quantised one.</param>
    public DraftHead(DecoderDescription model, PreparedWeights weights, ProductSet products, IBufferAllocator allocator, int tokens, TensorFormat format)
    {
        LinearDescription head = model.Head;
        _head = weights[head.Weight];
        _inputs = head.Inputs;
        _format = format;
        _sourceBytes = checked((int)PanelLayout.PanelBytes(_head.Format, _inputs));
        _panelBytes = checked((int)PanelLayout.PanelBytes(format, _inputs));
        _source = weights.Address(_head);
        _sourceBias = head.Bias is null ? null : (float*)weights.Address(weights[head.Bias]);
        _tokens = new int[tokens];
        IsWhole = tokens == model.VocabularySize;
        _rounding = format == _head.Format ? null : new Rounding(format, _inputs);
        _panels = allocator.Reserve(PanelLayout.Panels(tokens) * _panelBytes, "the head of drafts");
        try
        {
            _bias = _sourceBias is null ? null : allocator.Reserve(tokens * sizeof(float), "the head of drafts");
            Fill();
            Product = products.AddCut(
                head with { Outputs = tokens }, Start<byte>(_panels), format, _bias is null ? null : Start<float>(_bias), model.FinalNorm);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Its number in the <see cref="KernelTable{TKernel}"/>.</summary>
    public long Product { get; }

    /// <summary>Runs <see cref="StageGraphs.DraftHead"/>.</summary>
    public StageSession Stage { get; private set; } = null!;

    /// <summary>Whether it scores every token, each in its own place.</summary>
    public bool IsWhole { get; }

    /// <summary>The tokens, by their places.</summary>
    public ReadOnlySpan<int> Tokens => _tokens;

    /// <summary>How many tokens, S.</summary>
    public int Count => _tokens.Length;

    /// <summary>Takes over the session that runs it.</summary>
    public void RunOn(StageSession stage) => Stage = stage;

    /// <summary>Puts a token in the place of another.</summary>
    /// <param name="place">The place.</param>
    /// <param name="token">The token.</param>
    public void Put(int place, int token) => Put(place, token, _rounding);

    /// <summary>Spreads logits of these tokens over the vocabulary; those of all others become −∞.</summary>
    /// <param name="scored">Logits <c>[rows, S]</c>.</param>
    /// <param name="logits">Gets logits <c>[rows, V]</c>.</param>
    /// <param name="rows">How many rows.</param>
    public void Spread(ReadOnlySpan<float> scored, Span<float> logits, int rows)
    {
        logits.Fill(float.NegativeInfinity);
        int width = logits.Length / rows;
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<float> from = scored.Slice(row * _tokens.Length, _tokens.Length);
            Span<float> to = logits.Slice(row * width, width);
            for (int i = 0; i < from.Length; i++)
            {
                to[_tokens[i]] = from[i];
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Stage?.Dispose();
        _panels.Dispose();
        _bias?.Dispose();
    }

    // Panels lie apart, so that threads may fill some each.
    private void Fill()
    {
        int panels = (int)PanelLayout.Panels(Count);
        _panels.Span<byte>((panels - 1L) * _panelBytes, _panelBytes).Clear();
        if (_rounding is null)
        {
            FillPanels(0, panels, rounding: null);
        }
        else
        {
            Parallel.For(0, panels, () => new Rounding(_format, _inputs), (panel, _, rounding) =>
            {
                FillPanels(panel, panel + 1, rounding);
                return rounding;
            }, _ => { });
        }
    }

    private void FillPanels(int first, int end, Rounding? rounding)
    {
        for (int token = first * PanelLayout.Outputs; token < Math.Min(Count, end * PanelLayout.Outputs); token++)
        {
            Put(token, token, rounding);
        }
    }

    private void Put(int place, int token, Rounding? rounding)
    {
        ReadOnlySpan<byte> from = new(_source + (long)(token / PanelLayout.Outputs) * _sourceBytes, _sourceBytes);
        Span<byte> to = _panels.Span<byte>((long)(place / PanelLayout.Outputs) * _panelBytes, _panelBytes);
        int fromRow = token % PanelLayout.Outputs;
        int toRow = place % PanelLayout.Outputs;
        if (rounding is null)
        {
            PanelPacker.CopyRow(_format, from, fromRow, to, toRow);
        }
        else
        {
            PanelPacker.UnpackRow(_head.Format, from, fromRow, rounding.Row);
            rounding.Pack(toRow, to);
        }

        if (_bias is not null)
        {
            _bias.Span<float>(place, 1)[0] = _sourceBias[token];
        }

        _tokens[place] = token;
    }

    // Memory of the system's, which does not move.
    private static T* Start<T>(StageBuffer buffer)
        where T : unmanaged => (T*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(buffer.Span<T>(0, 1)));

    // A row on its way to fewer bits.
    private sealed class Rounding(TensorFormat format, int inputs)
    {
        private readonly byte[] _values = new byte[format.ValueBytes(inputs)];
        private readonly float[] _scales = new float[format.Blocks(inputs)];
        private readonly byte[] _zeroPoints = new byte[format.ZeroPointBytes(inputs)];

        public float[] Row { get; } = new float[inputs];

        // A row that is not of finite numbers is worth nothing to the verifier either, which says so. Drafts have zeros for it.
        public void Pack(int row, Span<byte> panel)
        {
            if (BlockQuantizer.Quantize(Row, format, _values, _scales, _zeroPoints) >= 0)
            {
                Array.Clear(Row);
                BlockQuantizer.Quantize(Row, format, _values, _scales, _zeroPoints);
            }

            PanelPacker.PackBlocks(format, row, _values, _scales, _zeroPoints, panel);
        }
    }
}
