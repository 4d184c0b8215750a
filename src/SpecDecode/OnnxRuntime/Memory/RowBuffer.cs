using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Kernels;

namespace SpecDecode.OnnxRuntime.Memory;

/// <summary>Rows of one width in the element type that stages compute in. Rows are moved as they are; whoever computes with them gets floats.</summary>
internal sealed class RowBuffer : IDisposable
{
    private readonly StageBuffer _rows;

    // Of 16-bit rows, what they are in floats, as far as somebody has asked.
    private readonly StageBuffer? _floats;

    /// <summary>Reserves room for rows.</summary>
    /// <param name="allocator">Where from.</param>
    /// <param name="type">What their elements are: a type of floats.</param>
    /// <param name="rows">Most rows.</param>
    /// <param name="width">Elements of a row.</param>
    /// <param name="purpose">What for, for the error message.</param>
    public RowBuffer(IBufferAllocator allocator, ElementType type, int rows, int width, string purpose)
    {
        Type = type;
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

    /// <summary>What elements are.</summary>
    public ElementType Type { get; }

    /// <summary>Elements of a row.</summary>
    public int Width { get; }

    /// <summary>The first rows as a tensor <c>[rows, width]</c>.</summary>
    public OrtValue View(int rows) => _rows.View(Type, 0, rows, Width);

    /// <summary>Rows as they are stored.</summary>
    public Span<byte> Bytes(int first, int rows) => _rows.Span<byte>((long)first * RowBytes, rows * RowBytes);

    /// <summary>Copies rows into a buffer of the same type and width.</summary>
    /// <param name="first">The first of them.</param>
    /// <param name="rows">How many.</param>
    /// <param name="to">The other buffer.</param>
    /// <param name="at">The row that the first of them becomes.</param>
    public void CopyTo(int first, int rows, RowBuffer to, int at) => Bytes(first, rows).CopyTo(to.Bytes(at, rows));

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

    /// <summary>The first rows in floats: the rows themselves where they are floats, else a copy, valid until the next call.</summary>
    public Span<float> Read(int rows)
    {
        Span<float> floats = Floats(rows);
        Widen(Bytes(0, rows), floats);
        return floats;
    }

    /// <summary>Reads one row in floats.</summary>
    public void Read(int row, Span<float> destination)
    {
        if (Type == ElementType.Float32)
        {
            MemoryMarshal.Cast<byte, float>(Bytes(row, 1)).CopyTo(destination);
        }
        else
        {
            Widen(Bytes(row, 1), destination);
        }
    }

    /// <summary>Where the first rows are to be written in floats; <see cref="Write"/> makes them rows.</summary>
    public Span<float> Floats(int rows) => (_floats ?? _rows).Span<float>(0, rows * Width);

    /// <summary>Takes the first rows over from <see cref="Floats"/>, rounded to the nearest.</summary>
    public void Write(int rows)
    {
        if (Type != ElementType.Float32)
        {
            PanelPacker.Narrow(Type == ElementType.BFloat16 ? Precision.Bf16 : Precision.Fp16, Floats(rows), MemoryMarshal.Cast<byte, ushort>(Bytes(0, rows)));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _rows.Dispose();
        _floats?.Dispose();
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
