using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace SpecDecode.OnnxRuntime.Memory;

/// <summary>A buffer that stages are bound to. Views of it must not be used after it is disposed.</summary>
internal abstract unsafe class StageBuffer : IDisposable
{
    private void* _start;

    private protected StageBuffer(void* start, long bytes, OrtMemoryInfo memory)
    {
        _start = start;
        Bytes = bytes;
        Memory = memory;
    }

    /// <summary>Frees what was never disposed.</summary>
    ~StageBuffer() => Release();

    /// <summary>Its length.</summary>
    public long Bytes { get; }

    private OrtMemoryInfo Memory { get; }

    /// <summary>The part of it as a tensor for binding, without a copy.</summary>
    /// <typeparam name="T">Element type: float or int.</typeparam>
    /// <param name="firstElement">Where the tensor begins.</param>
    /// <param name="shape">Its dimensions.</param>
    public OrtValue View<T>(long firstElement, params long[] shape)
        where T : unmanaged
    {
        long elements = 1;
        foreach (long dimension in shape)
        {
            elements = checked(elements * dimension);
        }

        Check<T>(firstElement, elements);
        TensorElementType type = typeof(T) == typeof(float) ? TensorElementType.Float : TensorElementType.Int32;
        return OrtValue.CreateTensorValueWithData(Memory, type, shape, (nint)((T*)_start + firstElement), elements * sizeof(T));
    }

    /// <summary>The part of it as a span; only for buffers in the process's memory.</summary>
    public Span<T> Span<T>(long firstElement, int elements)
        where T : unmanaged
    {
        Check<T>(firstElement, elements);
        return new Span<T>((T*)_start + firstElement, elements);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the memory back to where it came from.</summary>
    private protected abstract void Free(void* start);

    private void Release()
    {
        void* start = _start;
        _start = null;
        if (start is not null)
        {
            Free(start);
        }
    }

    private void Check<T>(long firstElement, long elements)
        where T : unmanaged
    {
        ObjectDisposedException.ThrowIf(_start is null, this);
        ArgumentOutOfRangeException.ThrowIfNegative(firstElement);
        ArgumentOutOfRangeException.ThrowIfNegative(elements);
        if (checked((firstElement + elements) * sizeof(T)) > Bytes)
        {
            throw new ArgumentOutOfRangeException(nameof(elements), elements, $"The view ends beyond the buffer's {Bytes} bytes.");
        }
    }
}
