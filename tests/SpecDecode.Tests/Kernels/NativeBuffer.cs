using System.Runtime.InteropServices;

namespace SpecDecode.Tests.Kernels;

/// <summary>
/// Memory for kernels with poison on both sides, which as floats is no number and as bytes 255: what a kernel reads there shows in its results,
/// and what it writes there is noticed by <see cref="Check"/>. Where <see cref="EndsAtPage"/>, the end is also that of what may be touched at all.
/// </summary>
internal sealed unsafe class NativeBuffer<T> : IDisposable
    where T : unmanaged
{
    private const byte Poison = 0xFF;
    private const int GuardBytes = 512;

    private readonly nuint _bytes;
    private readonly byte* _start;
    private readonly nuint _guard;
    private byte* _memory;

    /// <summary>Makes it, filled with poison.</summary>
    /// <param name="length">How many elements.</param>
    public NativeBuffer(int length)
    {
        Length = length;
        _bytes = (nuint)length * (nuint)sizeof(T);
        if (EndsAtPage)
        {
            _memory = GuardedPages.Take(GuardBytes + _bytes, out byte* end);
            _start = end - _bytes;
        }
        else
        {
            _guard = GuardBytes;
            _memory = (byte*)NativeMemory.AlignedAlloc(GuardBytes + _bytes + GuardBytes, 64);
            _start = _memory + GuardBytes;
        }

        NativeMemory.Fill(_start - GuardBytes, GuardBytes + _bytes + _guard, Poison);
    }

    /// <summary>Makes it with these elements.</summary>
    public NativeBuffer(ReadOnlySpan<T> elements)
        : this(elements.Length) => elements.CopyTo(Span);

    /// <summary>Whether buffers lie so that a step beyond their end ends the process.</summary>
    public static bool EndsAtPage { get; } = OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable(KernelChild.GuardVariable) is not null;

    public int Length { get; }

    /// <summary>The first element.</summary>
    public T* Start => (T*)_start;

    public Span<T> Span => new(_start, Length);

    /// <summary>Fails where something was written outside.</summary>
    public void Check()
    {
        bool isWhole = new ReadOnlySpan<byte>(_start - GuardBytes, GuardBytes).IndexOfAnyExcept(Poison) < 0
            && new ReadOnlySpan<byte>(_start + _bytes, (int)_guard).IndexOfAnyExcept(Poison) < 0;
        Assert.True(isWhole, "Memory beside a buffer was written to.");
    }

    public void Dispose()
    {
        if (_memory is null)
        {
            return;
        }

        if (EndsAtPage)
        {
            GuardedPages.GiveBack(_memory, GuardBytes + _bytes);
        }
        else
        {
            NativeMemory.AlignedFree(_memory);
        }

        _memory = null;
    }
}
