using Microsoft.ML.OnnxRuntime;
using SpecDecode.Descriptions;
using SpecDecode.OnnxRuntime.Memory;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>
/// Cosines and sines of a rotary embedding, <c>[positions, D/2]</c> each, for slots laid out as <see cref="HeadLayout"/>
/// does: slots that are not rotated have cosine 1 and sine 0. Reserved for all positions, filled as far as sequences reach.
/// </summary>
internal sealed class RotaryTable : IDisposable
{
    private const int Piece = 256;

    private readonly RotaryDescription _rotary;
    private readonly int _width;
    private readonly int _positions;
    private readonly StageBuffer _cosines;
    private readonly StageBuffer _sines;
    private int _filled;

    /// <summary>Reserves the table.</summary>
    public RotaryTable(RotaryDescription rotary, int headSize, int positions, IBufferAllocator buffers)
    {
        _rotary = rotary;
        _width = headSize / 2;
        _positions = positions;
        long bytes = (long)positions * _width * sizeof(float);
        _cosines = buffers.Reserve(bytes, "the rotary table");
        _sines = buffers.Reserve(bytes, "the rotary table");
    }

    /// <summary>Fills the table up to a length of sequence, at most the positions that it was reserved for.</summary>
    public void EnsureLength(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, _positions);
        while (_filled < length)
        {
            int end = Math.Min(_filled + Piece, _positions);
            Fill(_filled, end);
            _filled = end;
        }
    }

    /// <summary>Binds both halves of the table.</summary>
    public void Bind(OrtIoBinding binding, string cosines, string sines)
    {
        using OrtValue cosineView = _cosines.View(ElementType.Float32, 0, _positions, _width);
        using OrtValue sineView = _sines.View(ElementType.Float32, 0, _positions, _width);
        binding.BindInput(cosines, cosineView);
        binding.BindInput(sines, sineView);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _cosines.Dispose();
        _sines.Dispose();
    }

    private void Fill(int start, int end)
    {
        Span<float> cosines = _cosines.Span<float>((long)start * _width, (end - start) * _width);
        Span<float> sines = _sines.Span<float>((long)start * _width, (end - start) * _width);
        cosines.Fill(1f);
        for (int position = start; position < end; position++)
        {
            int row = (position - start) * _width;
            for (int i = 0; i < _rotary.InverseFrequencies.Length; i++)
            {
                (double sine, double cosine) = Math.SinCos(position * _rotary.InverseFrequencies[i]);
                cosines[row + i] = (float)(cosine * _rotary.AttentionFactor);
                sines[row + i] = (float)(sine * _rotary.AttentionFactor);
            }
        }
    }
}
