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
/// The head over some tokens, for drafts: copies of their rows lie together in panels of their own, so that the product reads
/// those alone. Its logits are the whole head's, bit for bit. Which tokens they are changes between passes.
/// </summary>
internal sealed unsafe class ShortHead : IDisposable
{
    private readonly PreparedTensor _head;
    private readonly int _panelBytes;
    private readonly byte* _source;
    private readonly float* _sourceBias;
    private readonly StageBuffer _panels;
    private readonly StageBuffer? _bias;
    private readonly int[] _tokens;

    /// <summary>Copies the rows of the first tokens.</summary>
    /// <param name="model">The model.</param>
    /// <param name="weights">Its weights, which lie in panels; they must stay open as long as this lives.</param>
    /// <param name="products">Gets the product.</param>
    /// <param name="allocator">Where its memory comes from.</param>
    /// <param name="tokens">How many, S: a multiple of <see cref="PanelLayout.Outputs"/> below V.</param>
    public ShortHead(DecoderDescription model, PreparedWeights weights, ProductSet products, IBufferAllocator allocator, int tokens)
    {
        LinearDescription head = model.Head;
        _head = weights[head.Weight];
        _panelBytes = checked((int)PanelLayout.PanelBytes(_head.Format, head.Inputs));
        _source = weights.Address(_head);
        _sourceBias = head.Bias is null ? null : (float*)weights.Address(weights[head.Bias]);
        _tokens = new int[tokens];
        _panels = allocator.Reserve(PanelLayout.Panels(tokens) * _panelBytes, "the head of drafts");
        try
        {
            _bias = _sourceBias is null ? null : allocator.Reserve(tokens * sizeof(float), "the head of drafts");
            for (int token = 0; token < tokens; token++)
            {
                Put(token, token);
            }

            Product = products.AddCut(
                head with { Outputs = tokens }, Start<byte>(_panels), _bias is null ? null : Start<float>(_bias), model.FinalNorm);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Its number in the <see cref="KernelTable{TKernel}"/>.</summary>
    public long Product { get; }

    /// <summary>Runs <see cref="StageGraphs.ShortHead"/>.</summary>
    public StageSession Stage { get; private set; } = null!;

    /// <summary>The tokens, by their places.</summary>
    public ReadOnlySpan<int> Tokens => _tokens;

    /// <summary>How many tokens, S.</summary>
    public int Count => _tokens.Length;

    /// <summary>Takes over the session that runs it.</summary>
    public void RunOn(StageSession stage) => Stage = stage;

    /// <summary>Puts a token in the place of another.</summary>
    /// <param name="place">The place.</param>
    /// <param name="token">The token.</param>
    public void Put(int place, int token)
    {
        ReadOnlySpan<byte> from = new(_source + (long)(token / PanelLayout.Outputs) * _panelBytes, _panelBytes);
        Span<byte> to = _panels.Span<byte>((long)(place / PanelLayout.Outputs) * _panelBytes, _panelBytes);
        PanelPacker.CopyRow(_head.Format, from, token % PanelLayout.Outputs, to, place % PanelLayout.Outputs);
        if (_bias is not null)
        {
            _bias.Span<float>(place, 1)[0] = _sourceBias[token];
        }

        _tokens[place] = token;
    }

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

    // Memory of the system's, which does not move.
    private static T* Start<T>(StageBuffer buffer)
        where T : unmanaged => (T*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(buffer.Span<T>(0, 1)));
}
