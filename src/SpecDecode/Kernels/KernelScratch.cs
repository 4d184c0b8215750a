using System.Runtime.InteropServices;

namespace SpecDecode.Kernels;

/// <summary>Memory that products of one model share while they run, one after the other. It grows and stays.</summary>
internal sealed unsafe class KernelScratch : IDisposable
{
    private const nuint Alignment = 64;

    private void* _start;
    private nuint _bytes;
    private int _isTaken;

    /// <summary>Frees what was never disposed.</summary>
    ~KernelScratch() => Free();

    /// <summary>Takes the memory, until <see cref="Return"/>.</summary>
    /// <param name="bytes">How much.</param>
    /// <exception cref="OutOfMemoryException">There is not so much.</exception>
    /// <exception cref="InvalidOperationException">It has been taken and not returned: two threads run the same model's stages.</exception>
    public byte* Take(nuint bytes)
    {
        if (Interlocked.Exchange(ref _isTaken, 1) != 0)
        {
            throw new InvalidOperationException("Two threads run the stages of one model at once.");
        }

        if (bytes > _bytes)
        {
            try
            {
                Free();
                _start = NativeMemory.AlignedAlloc(bytes, Alignment);
                _bytes = bytes;
            }
            catch
            {
                Return();
                throw;
            }
        }

        return (byte*)_start;
    }

    /// <summary>Gives it back for the next.</summary>
    public void Return() => Volatile.Write(ref _isTaken, 0);

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(_start);
        _start = null;
        _bytes = 0;
    }
}
