using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using SpecDecode.OnnxRuntime.Memory;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>Memory of a device that is none: ONNX Runtime reaches it, and the process only by copies. It reads as garbage where nobody has written.</summary>
internal sealed class FakeDeviceMemory : IBufferAllocator, IDisposable
{
    /// <summary>Bytes that are reserved now.</summary>
    public long LiveBytes { get; private set; }

    public bool IsDisposed { get; private set; }

    public unsafe StageBuffer Reserve(long bytes, string purpose)
    {
        void* start = NativeMemory.Alloc((nuint)bytes);
        NativeMemory.Fill(start, (nuint)bytes, 0xFF);
        LiveBytes += bytes;
        return new Buffer(this, start, bytes);
    }

    public void Dispose() => IsDisposed = true;

    private sealed unsafe class Buffer(FakeDeviceMemory memory, void* start, long bytes) : StageBuffer(start, bytes, OrtMemoryInfo.DefaultInstance, isOnDevice: true)
    {
        protected override void Free(void* start)
        {
            memory.LiveBytes -= Bytes;
            NativeMemory.Free(start);
        }
    }
}
