using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace SpecDecode.Checkpoints;

/// <summary>The operating system's <c>madvise</c>.</summary>
[SupportedOSPlatform("linux")]
internal static unsafe partial class PageAdvice
{
    private const int MadviseDontNeed = 4;
    private const int MadviseHugePage = 14;
    private const int MadvisePopulateWrite = 23;

    /// <summary>
    /// Takes the pages of a read-only file mapping out of the process's resident memory. They are clean, so nothing is lost:
    /// the next read faults them in again. It is advice; the kernel's refusal changes only how much memory is resident.
    /// </summary>
    /// <param name="start">Where the mapping begins; the operating system puts that on a page.</param>
    /// <param name="offset">The first byte, from <paramref name="start"/>.</param>
    /// <param name="length">How many bytes.</param>
    public static void DoNotNeed(byte* start, long offset, long length)
    {
        long firstPage = offset & ~(Environment.SystemPageSize - 1L);
        _ = Madvise(start + firstPage, (nuint)(offset + length - firstPage), MadviseDontNeed);
    }

    /// <summary>Asks for large pages, before memory is written for the first time. It is advice, too: a system without them gives small ones.</summary>
    /// <param name="start">The memory, which begins on a large page.</param>
    /// <param name="length">How many bytes.</param>
    public static void UseLargePages(byte* start, long length) => _ = Madvise(start, (nuint)length, MadviseHugePage);

    /// <summary>
    /// Has all pages of new memory there at once, which takes a fraction of what it takes to find each missing when it is first written. It is advice, too: Linux before
    /// 5.14 refuses it, and then each comes when it is written.
    /// </summary>
    /// <param name="start">The memory, which begins on a page.</param>
    /// <param name="length">How many bytes.</param>
    public static void Populate(byte* start, long length) => _ = Madvise(start, (nuint)length, MadvisePopulateWrite);

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Madvise(void* address, nuint length, int advice);
}
