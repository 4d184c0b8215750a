using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace SpecDecode.Kernels;

/// <summary>Asking for memory before it is read.</summary>
internal static unsafe class Prefetch
{
    /// <summary>
    /// How far ahead of a stream of weights, in bytes. The processor's own prefetching ends where a small page does; this goes on into the next.
    /// </summary>
    public const int Ahead = 4096;

    /// <summary>
    /// The same where it pays to ask later: int8 with rows of bytes on processors with AVX2 only (Zen 3: a single row takes 0.9 of its time, bf16 and int4 the same time).
    /// </summary>
    public const int AheadOfInt8 = 1536;

    /// <summary>Bytes of a cache line.</summary>
    public const int LineBytes = 64;

    /// <summary>Asks for a cache line. Where it lies beyond what is mapped, nothing happens; nor on processors that .NET has no instruction for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Line(byte* address)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(address);
        }
    }

    /// <summary>Asks for the lines of a cell.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Cell(byte* address)
    {
        Line(address);
        Line(address + LineBytes);
    }
}
