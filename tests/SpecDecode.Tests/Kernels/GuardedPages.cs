using System.Runtime.InteropServices;

namespace SpecDecode.Tests.Kernels;

/// <summary>Memory of the operating system behind which a page follows that nobody may touch. Linux only.</summary>
internal static unsafe partial class GuardedPages
{
    private const int Read = 1;
    private const int Write = 2;
    private const int Private = 2;
    private const int Anonymous = 0x20;

    private static readonly nuint Page = (nuint)Environment.SystemPageSize;

    /// <summary>Takes pages.</summary>
    /// <param name="bytes">How much may be touched, at least.</param>
    /// <param name="end">Where the page begins that may not.</param>
    public static byte* Take(nuint bytes, out byte* end)
    {
        nuint usable = Whole(bytes);
        byte* memory = (byte*)Map(null, usable + Page, Read | Write, Private | Anonymous, -1, 0);
        end = memory + usable;
        return (nint)memory != -1 && Protect(end, Page, 0) == 0 ? memory : throw new InvalidOperationException("There is no memory.");
    }

    /// <summary>Gives them back.</summary>
    public static void GiveBack(byte* memory, nuint bytes) => _ = Unmap(memory, Whole(bytes) + Page);

    private static nuint Whole(nuint bytes) => (bytes + Page - 1) / Page * Page;

    [LibraryImport("libc", EntryPoint = "mmap")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial void* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Protect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Unmap(void* address, nuint length);
}
