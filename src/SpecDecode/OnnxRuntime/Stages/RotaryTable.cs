using Microsoft.ML.OnnxRuntime;
using SpecDecode.Descriptions;
using SpecDecode.OnnxRuntime.Memory;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>
/// Cosines and sines of a rotary embedding, <c>[positions, D/2]</c> each, for slots laid out as <see cref="HeadLayout"/> does: slots that are not rotated have
/// cosine 1 and sine 0. Where sequences that may get long have an embedding of their own (LongRoPE), its positions follow behind those of the others.
/// Reserved for all positions, filled as far as sequences reach.
/// </summary>
internal sealed class RotaryTable : IDisposable
{
    private const int Piece = 256;

    private readonly int _width;
    private readonly StageBuffer _cosines;
    private readonly StageBuffer _sines;
    private readonly Part _short;
    private readonly Part? _long;

    /// <summary>Reserves the table.</summary>
    /// <param name="rotary">The embedding.</param>
    /// <param name="headSize">Channels D of a head.</param>
    /// <param name="maxSequenceLength">Longest sequence.</param>
    /// <param name="buffers">Where from.</param>
    public RotaryTable(RotaryDescription rotary, int headSize, int maxSequenceLength, IBufferAllocator buffers)
    {
        _width = headSize / 2;
        _short = new Part(rotary, 0, rotary.Long is null ? maxSequenceLength : Math.Min(maxSequenceLength, rotary.OriginalContext));
        _long = rotary.For(maxSequenceLength) == rotary ? null : new Part(rotary.For(maxSequenceLength), _short.Positions, maxSequenceLength);
        Positions = checked(_short.Positions + (_long?.Positions ?? 0));
        long bytes = (long)Positions * _width * sizeof(float);
        _cosines = buffers.Reserve(bytes, "the rotary table");
        try
        {
            _sines = buffers.Reserve(bytes, "the rotary table");
        }
        catch
        {
            _cosines.Dispose();
            throw;
        }
    }

    /// <summary>Positions of both kinds.</summary>
    public int Positions { get; }

    /// <summary>Where a sequence's position 0 is.</summary>
    /// <param name="capacity">Positions that the sequence may get to have.</param>
    public int StartOf(int capacity) => PartOf(capacity).Start;

    /// <summary>Fills the table as far as a sequence reaches.</summary>
    /// <param name="capacity">Positions that the sequence may get to have.</param>
    /// <param name="length">Positions that it has; no more.</param>
    public void EnsureLength(int capacity, int length)
    {
        Part part = PartOf(capacity);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, part.Positions);
        while (part.Filled < length)
        {
            int end = Math.Min(part.Filled + Piece, part.Positions);
            Fill(part, part.Filled, end);
            part.Filled = end;
        }
    }

    /// <summary>Binds both halves of the table.</summary>
    public void Bind(OrtIoBinding binding, string cosines, string sines)
    {
        using OrtValue cosineView = _cosines.View(ElementType.Float32, 0, Positions, _width);
        using OrtValue sineView = _sines.View(ElementType.Float32, 0, Positions, _width);
        binding.BindInput(cosines, cosineView);
        binding.BindInput(sines, sineView);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _cosines.Dispose();
        _sines.Dispose();
    }

    private Part PartOf(int capacity) => _long is not null && capacity > _short.Positions ? _long : _short;

    private void Fill(Part part, int start, int end)
    {
        long first = ((long)part.Start + start) * _width;
        Span<float> cosines = _cosines.Span<float>(first, (end - start) * _width);
        Span<float> sines = _sines.Span<float>(first, (end - start) * _width);
        cosines.Fill(1f);
        for (int position = start; position < end; position++)
        {
            int row = (position - start) * _width;
            for (int i = 0; i < part.Rotary.InverseFrequencies.Length; i++)
            {
                (double sine, double cosine) = Math.SinCos(position * part.Rotary.InverseFrequencies[i]);
                cosines[row + i] = (float)(cosine * part.Rotary.AttentionFactor);
                sines[row + i] = (float)(sine * part.Rotary.AttentionFactor);
            }
        }
    }

    /// <summary>The positions of one embedding.</summary>
    private sealed class Part(RotaryDescription rotary, int start, int positions)
    {
        public RotaryDescription Rotary => rotary;

        public int Start => start;

        public int Positions => positions;

        public int Filled { get; set; }
    }
}
