using Microsoft.ML.OnnxRuntime;

namespace SpecDecode.OnnxRuntime.Memory;

/// <summary>Buffers in a device's memory, from the allocator that ONNX Runtime has for it.</summary>
/// <param name="session">A session that runs on the device; must live as long as the buffers.</param>
/// <param name="memory">The device's memory, which is disposed with this.</param>
internal sealed unsafe class DeviceBufferAllocator(InferenceSession session, OrtMemoryInfo memory) : IBufferAllocator, IDisposable
{
    private readonly OrtAllocator _allocator = new(session, memory);

    /// <inheritdoc/>
    public StageBuffer Reserve(long bytes, string purpose)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        try
        {
            return new DeviceBuffer(_allocator.Allocate(checked((uint)bytes)), memory);
        }
        catch (OnnxRuntimeException error)
        {
            throw new SpecDecodeException($"The device has no {bytes >> 20} MB for {purpose}: end what else uses it, raise DeviceMemoryMegabytes where that is set, or lower MaxSequenceLength, KvCacheMegabytes or the rows of a pass.", error);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _allocator.Dispose();
        memory.Dispose();
    }

    private sealed class DeviceBuffer(OrtMemoryAllocation allocation, OrtMemoryInfo memory)
        : StageBuffer((void*)allocation.DangerousGetHandle(), allocation.Size, memory, isOnDevice: true)
    {
        protected override void Free(void* start) => allocation.Dispose();
    }
}
