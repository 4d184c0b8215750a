using Microsoft.ML.OnnxRuntime;
using SpecDecode.Descriptions;
using SpecDecode.OnnxRuntime.Graphs;
using SpecDecode.OnnxRuntime.Memory;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>
/// Cosines and sines as a <see cref="RotaryTable"/> has them, on a device and in what stages hand on to each other, as ONNX Runtime's attention wants them. A sequence is bound to the part
/// that is its own, so that those of both kinds of LongRoPE run side by side.
/// </summary>
internal sealed class DeviceRotaryTable : IDisposable
{
    private readonly RotaryPart _short;
    private readonly RotaryPart? _long;
    private readonly int _width;
    private readonly ElementType _type;
    private readonly DeviceRows _copies;
    private readonly List<IDisposable> _owned = [];
    private readonly StageBuffer _cosines;
    private readonly StageBuffer _sines;

    // Positions on their way there.
    private readonly RowBuffer _newCosines;
    private readonly RowBuffer _newSines;

    /// <summary>Reserves the table.</summary>
    /// <param name="rotary">The embedding.</param>
    /// <param name="headSize">Channels D of a head.</param>
    /// <param name="maxSequenceLength">Longest sequence.</param>
    /// <param name="type">What stages hand on to each other.</param>
    /// <param name="device">The device.</param>
    /// <param name="process">The process's memory.</param>
    public DeviceRotaryTable(RotaryDescription rotary, int headSize, int maxSequenceLength, ElementType type, DeviceRows device, IBufferAllocator process)
    {
        (_short, _long) = RotaryPart.Of(rotary, maxSequenceLength);
        _width = headSize / 2;
        _type = type;
        _copies = device;
        long bytes = checked(((long)_short.Positions + (_long?.Positions ?? 0)) * _width * type.Bytes());
        try
        {
            _cosines = Own(device.Buffers.Reserve(bytes, "the rotary table"));
            _sines = Own(device.Buffers.Reserve(bytes, "the rotary table"));
            _newCosines = Own(new RowBuffer(process, type, RotaryPart.MostAtOnce, _width, "the rotary table"));
            _newSines = Own(new RowBuffer(process, type, RotaryPart.MostAtOnce, _width, "the rotary table"));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Whether sequences have one of two embeddings.</summary>
    public bool HasTwoKinds => _long is not null;

    /// <summary>Whether a sequence has the second of two embeddings.</summary>
    /// <param name="capacity">Positions that the sequence may get to have.</param>
    public bool IsLong(int capacity) => PartOf(capacity) == _long;

    /// <summary>Fills the table as far as a sequence reaches.</summary>
    /// <param name="capacity">Positions that the sequence may get to have.</param>
    /// <param name="length">Positions that it has; no more.</param>
    public void EnsureLength(int capacity, int length)
    {
        RotaryPart part = PartOf(capacity);
        while (part.TakeMissing(length, out int first, out int count))
        {
            part.Compute(first, _width, _newCosines.Floats(count), _newSines.Floats(count));
            Move(_newCosines, _cosines, part.Start + first, count);
            Move(_newSines, _sines, part.Start + first, count);
        }
    }

    /// <summary>Binds both halves of a sequence's part.</summary>
    /// <param name="binding">The binding.</param>
    /// <param name="capacity">Positions that the sequence may get to have.</param>
    /// <param name="cosinesName">The input that takes the cosines.</param>
    /// <param name="sinesName">The input that takes the sines.</param>
    public void Bind(OrtIoBinding binding, int capacity, string cosinesName = StageNames.Cosines, string sinesName = StageNames.Sines)
    {
        RotaryPart part = PartOf(capacity);
        using OrtValue cosines = _cosines.View(_type, (long)part.Start * _width, part.Positions, _width);
        using OrtValue sines = _sines.View(_type, (long)part.Start * _width, part.Positions, _width);
        binding.BindInput(cosinesName, cosines);
        binding.BindInput(sinesName, sines);
    }

    /// <inheritdoc/>
    public void Dispose() => _owned.ForEach(owned => owned.Dispose());

    private RotaryPart PartOf(int capacity) => _long is not null && capacity > _short.Positions ? _long : _short;

    private void Move(RowBuffer rows, StageBuffer table, int at, int count)
    {
        rows.Write(count);
        using OrtValue source = rows.View(count);
        using OrtValue target = table.View(_type, (long)at * _width, count, _width);
        _copies.Copy(source, target);
    }

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }
}
