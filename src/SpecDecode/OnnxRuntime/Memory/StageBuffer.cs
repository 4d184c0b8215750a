using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using SpecDecode.Descriptions;

namespace SpecDecode.OnnxRuntime.Memory;

/// <summary>A buffer that stages are bound to. Views of it must not be used after it is disposed.</summary>
internal abstract unsafe class StageBuffer : IDisposable
{
    private static long s_liveBytes;

    private void* _start;

    /// <summary>Takes over memory.</summary>
    /// <param name="start">Where it begins.</param>
    /// <param name="bytes">Its length.</param>
    /// <param name="memory">What kind of memory it is, for ONNX Runtime.</param>
    /// <param name="isOnDevice">Whether the process must not touch it.</param>
    protected StageBuffer(void* start, long bytes, OrtMemoryInfo memory, bool isOnDevice = false)
    {
        IsOnDevice = isOnDevice;
        _start = start;
        Bytes = bytes;
        Memory = memory;
        Interlocked.Add(ref s_liveBytes, bytes);
    }

    /// <summary>Frees what was never disposed.</summary>
    ~StageBuffer() => Release();

    /// <summary>Bytes of this process that are reserved in buffers.</summary>
    public static long LiveBytes => Interlocked.Read(ref s_liveBytes);

    /// <summary>Its length.</summary>
    public long Bytes { get; }

    /// <summary>Whether it is a device's, where only stages read and write it.</summary>
    public bool IsOnDevice { get; }

    private OrtMemoryInfo Memory { get; }

    /// <summary>The part of it as a tensor for binding, without a copy.</summary>
    /// <param name="type">What its elements are.</param>
    /// <param name="firstElement">Where the tensor begins, in elements.</param>
    /// <param name="shape">Its dimensions.</param>
    public OrtValue View(ElementType type, long firstElement, params long[] shape)
    {
        long elements = 1;
        foreach (long dimension in shape)
        {
            elements = checked(elements * dimension);
        }

        Check(firstElement, elements, type.Bytes());
        return OrtValue.CreateTensorValueWithData(
            Memory, TensorType(type), shape, (nint)((byte*)_start + firstElement * type.Bytes()), elements * type.Bytes());
    }

    /// <summary>The part of it as a span; only for buffers in the process's memory.</summary>
    public Span<T> Span<T>(long firstElement, int elements)
        where T : unmanaged
    {
        Check(firstElement, elements, sizeof(T));
        if (IsOnDevice)
        {
            throw new InvalidOperationException("The process does not reach a device's memory: copy it.");
        }

        return new Span<T>((T*)_start + firstElement, elements);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the memory back to where it came from.</summary>
    protected abstract void Free(void* start);

    private void Release()
    {
        void* start = _start;
        _start = null;
        if (start is not null)
        {
            Interlocked.Add(ref s_liveBytes, -Bytes);
            Free(start);
        }
    }

    private static TensorElementType TensorType(ElementType type) => type switch
    {
        ElementType.Float32 => TensorElementType.Float,
        ElementType.Int32 => TensorElementType.Int32,
        ElementType.Float16 => TensorElementType.Float16,
        ElementType.BFloat16 => TensorElementType.BFloat16,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "An element type that no stage has."),
    };

    private void Check(long firstElement, long elements, int elementBytes)
    {
        ObjectDisposedException.ThrowIf(_start is null, this);
        ArgumentOutOfRangeException.ThrowIfNegative(firstElement);
        ArgumentOutOfRangeException.ThrowIfNegative(elements);
        if (checked((firstElement + elements) * elementBytes) > Bytes)
        {
            throw new ArgumentOutOfRangeException(nameof(elements), elements, $"The view ends beyond the buffer's {Bytes} bytes.");
        }
    }
}
