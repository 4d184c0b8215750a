using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Kernels;
using SpecDecode.Weights;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>
/// The first stage: rows of the embedding, looked up when a token needs them: in the panels of a tied head, or else in the file. A table of
/// its own is never in memory: of a mapped one the system keeps resident a megabyte for each row, where the file lies in its cache in large
/// pieces. A row costs one to three small reads from that cache. Not safe from several threads.
/// </summary>
internal sealed class EmbeddingTable
{
    private const int ZeroInt8 = 128;

    private readonly PreparedWeights _weights;
    private readonly PreparedTensor _table;
    private readonly int _width;
    private readonly float _scale;
    private readonly byte[] _values;
    private readonly float[] _scales;
    private readonly byte[] _zeroPoints;

    /// <summary>Creates the stage.</summary>
    /// <param name="model">Names the table and what its rows are multiplied by.</param>
    /// <param name="weights">Hold it; they must stay open as long as it is read.</param>
    public EmbeddingTable(DecoderDescription model, PreparedWeights weights)
    {
        _weights = weights;
        _table = weights[model.Embedding];
        _width = checked((int)_table.Shape[1]);
        _scale = model.EmbeddingScale;
        TensorFormat format = _table.Format;
        bool isInRows = format.Layout == TensorLayout.Rows;
        _values = new byte[isInRows && format.Precision != Precision.Fp32 ? format.ValueBytes(_width) : 0];
        _scales = new float[isInRows ? format.ScaleBytes(_width) / sizeof(float) : 0];
        _zeroPoints = new byte[isInRows ? format.ZeroPointBytes(_width) : 0];
    }

    /// <summary>Looks tokens up.</summary>
    /// <param name="tokens">Token ids <c>[rows]</c>.</param>
    /// <param name="residual">Takes their rows <c>[rows, d]</c>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The table has no such token.</exception>
    /// <exception cref="SpecDecodeException">The file of weights cannot be read any more.</exception>
    public void Read(ReadOnlySpan<int> tokens, Span<float> residual)
    {
        _weights.CheckLength();
        for (int i = 0; i < tokens.Length; i++)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(tokens[i], nameof(tokens));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(tokens[i], _table.Shape[0], nameof(tokens));
            Span<float> row = residual.Slice(i * _width, _width);
            if (_table.Format.Layout == TensorLayout.Panels)
            {
                ReadPanel(tokens[i], row);
            }
            else if (_table.Format.IsQuantized)
            {
                ReadQuantized(tokens[i], row);
            }
            else if (_table.Format.Precision == Precision.Fp32)
            {
                _weights.Read(_table.Offset + tokens[i] * _table.Format.ValueBytes(_width), MemoryMarshal.AsBytes(row));
            }
            else
            {
                _weights.Read(_table.Offset + tokens[i] * _table.Format.ValueBytes(_width), _values);
                FloatWidening.Widen(
                    _table.Format.Precision == Precision.Bf16 ? TensorElementType.BFloat16 : TensorElementType.Float16, _values, row);
            }

            if (_scale != 1f)
            {
                TensorPrimitives.Multiply(row, _scale, row);
            }
        }
    }

    // A tied head's own panels, which are in memory for the head.
    private unsafe void ReadPanel(int token, Span<float> row)
    {
        int bytes = checked((int)PanelLayout.PanelBytes(_table.Format, _width));
        byte* panel = _weights.Address(_table) + (long)(token / PanelLayout.Outputs) * bytes;
        PanelPacker.UnpackRow(_table.Format, new ReadOnlySpan<byte>(panel, bytes), token % PanelLayout.Outputs, row);
    }

    private void ReadQuantized(long token, Span<float> row)
    {
        _weights.Read(_table.Offset + token * _values.Length, _values);
        _weights.Read(_table.ScalesOffset + token * _scales.Length * sizeof(float), MemoryMarshal.AsBytes(_scales.AsSpan()));
        if (_zeroPoints.Length > 0)
        {
            _weights.Read(_table.ZeroPointsOffset + token * _zeroPoints.Length, _zeroPoints);
        }

        int size = _table.Format.BlockSize;
        for (int block = 0; block < _scales.Length; block++)
        {
            int first = block * size;
            Span<float> weights = row.Slice(first, Math.Min(size, _width - first));
            if (_table.Format.Precision == Precision.Int8)
            {
                TensorPrimitives.ConvertTruncating<byte, float>(_values.AsSpan(first, weights.Length), weights);
                TensorPrimitives.Subtract(weights, ZeroInt8, weights);
            }
            else
            {
                int zero = Nibble(_zeroPoints, block);
                for (int i = 0; i < weights.Length; i++)
                {
                    weights[i] = Nibble(_values, first + i) - zero;
                }
            }

            TensorPrimitives.Multiply(weights, _scales[block], weights);
        }
    }

    // Of two in a byte the first is the lower half.
    private static int Nibble(byte[] packed, int index) => packed[index / 2] >> (4 * (index % 2)) & 0xF;
}
