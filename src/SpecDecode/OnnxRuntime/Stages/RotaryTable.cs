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
    private readonly int _width;
    private readonly StageBuffer _cosines;
    private readonly StageBuffer _sines;
    private readonly RotaryPart _short;
    private readonly RotaryPart? _long;

    /// <summary>Reserves the table.</summary>
    /// <param name="rotary">The embedding.</param>
    /// <param name="headSize">Channels D of a head.</param>
    /// <param name="maxSequenceLength">Longest sequence.</param>
    /// <param name="buffers">Where from.</param>
    public RotaryTable(RotaryDescription rotary, int headSize, int maxSequenceLength, IBufferAllocator buffers)
    {
        _width = headSize / 2;
        (_short, _long) = RotaryPart.Of(rotary, maxSequenceLength);
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
        RotaryPart part = PartOf(capacity);
        while (part.TakeMissing(length, out int first, out int count))
        {
            long start = ((long)part.Start + first) * _width;
            part.Compute(first, _width, _cosines.Span<float>(start, count * _width), _sines.Span<float>(start, count * _width));
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

    private RotaryPart PartOf(int capacity) => _long is not null && capacity > _short.Positions ? _long : _short;
}
