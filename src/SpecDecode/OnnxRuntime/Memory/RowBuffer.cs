using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Kernels;

namespace SpecDecode.OnnxRuntime.Memory;

/// <summary>
/// Rows of one width in the element type that stages compute in, in the process's memory or a device's. Rows are moved as they are; whoever computes with
/// them gets floats. Those on a device go there and come back by explicit copies alone; such a buffer may be a part of another.
/// </summary>
internal sealed class RowBuffer : IDisposable
{
    private readonly StageBuffer _rows;
    private readonly bool _ownsRows = true;
    private readonly IRowCopies? _copies;

    // Of rows on a device, room for them in the process.
    private readonly RowBuffer? _staged;

    // Of 16-bit rows in the process, what they are in floats, as far as somebody has asked.
    private readonly StageBuffer? _floats;

    /// <summary>Reserves room for rows in the process.</summary>
    /// <param name="allocator">Where from.</param>
    /// <param name="type">What their elements are: a type of floats.</param>
    /// <param name="rows">Most rows.</param>
    /// <param name="width">Elements of a row.</param>
    /// <param name="purpose">What for, for the error message.</param>
    public RowBuffer(IBufferAllocator allocator, ElementType type, int rows, int width, string purpose)
    {
        Type = type;
        Rows = rows;
        Width = width;
        _rows = allocator.Reserve(checked((long)rows * width * type.Bytes()), purpose);
        try
        {
            _floats = type == ElementType.Float32 ? null : allocator.Reserve(checked((long)rows * width * sizeof(float)), purpose);
        }
        catch
        {
            _rows.Dispose();
            throw;
        }
    }

    /// <summary>Reserves room for rows on a device, and in the process for those that come and go.</summary>
    /// <param name="device">The device's memory.</param>
    /// <param name="copies">Copies between the two.</param>
    /// <param name="process">The process's memory.</param>
    /// <param name="type">What their elements are: a type of floats.</param>
    /// <param name="rows">Most rows.</param>
    /// <param name="width">Elements of a row.</param>
    /// <param name="purpose">What for, for the error message.</param>
    public RowBuffer(IBufferAllocator device, IRowCopies copies, IBufferAllocator process, ElementType type, int rows, int width, string purpose)
    {
        Type = type;
        Rows = rows;
        Width = width;
        _copies = copies;
        _staged = new RowBuffer(process, type, rows, width, purpose);
        try
        {
            _rows = device.Reserve(checked((long)rows * width * type.Bytes()), purpose);
        }
        catch
        {
            _staged.Dispose();
            throw;
        }
    }

    // A part of rows on a device.
    private RowBuffer(RowBuffer whole, IBufferAllocator process, int firstRow, int rows, string purpose)
    {
        Type = whole.Type;
        Width = whole.Width;
        FirstRow = firstRow;
        Rows = rows;
        _copies = whole._copies;
        _rows = whole._rows;
        _ownsRows = false;
        _staged = new RowBuffer(process, Type, rows, Width, purpose);
    }

    /// <summary>A part of these rows, which are a device's, with room of its own in the process for those that come and go.</summary>
    /// <param name="process">The process's memory.</param>
    /// <param name="firstRow">Its first row.</param>
    /// <param name="rows">How many.</param>
    /// <param name="purpose">What for, for the error message.</param>
    public RowBuffer Part(IBufferAllocator process, int firstRow, int rows, string purpose) => new(this, process, firstRow, rows, purpose);

    /// <summary>Of a part, which row of the whole its first is.</summary>
    public int FirstRow { get; }

    /// <summary>Most rows.</summary>
    public int Rows { get; }

    /// <summary>What elements are.</summary>
    public ElementType Type { get; }

    /// <summary>Elements of a row.</summary>
    public int Width { get; }

    /// <summary>The first rows as a tensor <c>[rows, width]</c>.</summary>
    public OrtValue View(int rows) => View(0, rows);

    /// <summary>Rows as a tensor <c>[rows, width]</c>.</summary>
    public OrtValue View(int first, int rows)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first + rows, Rows);
        return _rows.View(Type, ((long)FirstRow + first) * Width, rows, Width);
    }

    /// <summary>Binds the first rows as an input of a stage.</summary>
    public void BindInput(OrtIoBinding binding, string name, int rows)
    {
        using OrtValue view = View(rows);
        binding.BindInput(name, view);
    }

    /// <summary>Binds the first rows as an output of a stage.</summary>
    public void BindOutput(OrtIoBinding binding, string name, int rows)
    {
        using OrtValue view = View(rows);
        binding.BindOutput(name, view);
    }

    /// <summary>Rows as a batch of one, <c>[1, rows, width]</c>.</summary>
    public OrtValue BatchView(int first, int rows)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first + rows, Rows);
        return _rows.View(Type, ((long)FirstRow + first) * Width, 1, rows, Width);
    }

    /// <summary>Rows as they are stored; of such in the process alone.</summary>
    public Span<byte> Bytes(int first, int rows) => _rows.Span<byte>((long)first * RowBytes, rows * RowBytes);

    /// <summary>Copies rows into a buffer of the same type and width.</summary>
    /// <param name="first">The first of them.</param>
    /// <param name="rows">How many.</param>
    /// <param name="to">The other buffer.</param>
    /// <param name="at">The row that the first of them becomes.</param>
    public void CopyTo(int first, int rows, RowBuffer to, int at)
    {
        if ((_copies ?? to._copies) is not { } copies)
        {
            Bytes(first, rows).CopyTo(to.Bytes(at, rows));
        }
        else if (rows > 0)
        {
            using OrtValue source = View(first, rows);
            using OrtValue target = to.View(at, rows);
            copies.Copy(source, target);
        }
    }

    /// <summary>Copies the last row into those behind it.</summary>
    /// <param name="rows">How many rows there are.</param>
    /// <param name="all">How many there are to be.</param>
    public void Repeat(int rows, int all)
    {
        for (int row = rows; row < all; row++)
        {
            CopyTo(rows - 1, 1, this, row);
        }
    }

    /// <summary>The first rows in floats: the rows themselves where they are floats in the process, else a copy, valid until the next call.</summary>
    public Span<float> Read(int rows)
    {
        if (_staged is not null)
        {
            CopyTo(0, rows, _staged, 0);
            return _staged.Read(rows);
        }

        Span<float> floats = Floats(rows);
        Widen(Bytes(0, rows), floats);
        return floats;
    }

    /// <summary>Reads one row in floats.</summary>
    public void Read(int row, Span<float> destination)
    {
        if (_staged is not null)
        {
            CopyTo(row, 1, _staged, 0);
            _staged.Read(0, destination);
        }
        else if (Type == ElementType.Float32)
        {
            MemoryMarshal.Cast<byte, float>(Bytes(row, 1)).CopyTo(destination);
        }
        else
        {
            Widen(Bytes(row, 1), destination);
        }
    }

    /// <summary>Writes one row, rounded to the nearest.</summary>
    public void Write(int row, ReadOnlySpan<float> values)
    {
        if (_staged is not null)
        {
            _staged.Write(0, values);
            _staged.CopyTo(0, 1, this, row);
        }
        else if (Type == ElementType.Float32)
        {
            values.CopyTo(MemoryMarshal.Cast<byte, float>(Bytes(row, 1)));
        }
        else
        {
            PanelPacker.Narrow(Type == ElementType.BFloat16 ? Precision.Bf16 : Precision.Fp16, values, MemoryMarshal.Cast<byte, ushort>(Bytes(row, 1)));
        }
    }

    /// <summary>Where the first rows are to be written in floats; <see cref="Write(int)"/> makes them rows.</summary>
    public Span<float> Floats(int rows) => _staged is not null ? _staged.Floats(rows) : (_floats ?? _rows).Span<float>(0, rows * Width);

    /// <summary>Takes the first rows over from <see cref="Floats"/>, rounded to the nearest.</summary>
    public void Write(int rows)
    {
        if (_staged is not null)
        {
            _staged.Write(rows);
            _staged.CopyTo(0, rows, this, 0);
        }
        else if (Type != ElementType.Float32)
        {
            PanelPacker.Narrow(Type == ElementType.BFloat16 ? Precision.Bf16 : Precision.Fp16, Floats(rows), MemoryMarshal.Cast<byte, ushort>(Bytes(0, rows)));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_ownsRows)
        {
            _rows.Dispose();
        }

        _floats?.Dispose();
        _staged?.Dispose();
    }

    private int RowBytes => Width * Type.Bytes();

    private void Widen(ReadOnlySpan<byte> stored, Span<float> floats)
    {
        if (Type != ElementType.Float32)
        {
            FloatWidening.Widen(Type == ElementType.BFloat16 ? TensorElementType.BFloat16 : TensorElementType.Float16, stored, floats);
        }
    }
}
