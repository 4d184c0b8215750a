using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace SpecDecode.Kernels.MachineCode;

/// <summary>
/// Memory whose contents the processor may run: written first, then made executable and read-only, so that it is never both. It stays as long as the
/// process lives.
/// </summary>
internal static unsafe partial class ExecutableMemory
{
    /// <summary>Writes code.</summary>
    /// <param name="code">The code, which must not depend on where it lies.</param>
    /// <returns>
    /// Where it lies; null where the system refuses (SELinux without <c>execmem</c>, systemd's <c>MemoryDenyWriteExecute</c>, Windows' arbitrary code guard, no
    /// memory) or is one whose calls are not known here.
    /// </returns>
    public static byte* Write(ReadOnlySpan<byte> code)
    {
        try
        {
            return OperatingSystem.IsLinux() ? Linux.Write(code) : OperatingSystem.IsWindows() ? Windows.Write(code) : null;
        }
        catch (Exception error) when (error is DllNotFoundException or EntryPointNotFoundException)
        {
            return null;
        }
    }

    [SupportedOSPlatform("linux")]
    private static partial class Linux
    {
        private const int ProtRead = 1;
        private const int ProtWrite = 2;
        private const int ProtExecute = 4;
        private const int PrivateAnonymous = 0x22;

        public static byte* Write(ReadOnlySpan<byte> code)
        {
            nuint bytes = (nuint)code.Length;
            void* start = Map(null, bytes, ProtRead | ProtWrite, PrivateAnonymous, -1, 0);
            if ((nint)start == -1)
            {
                return null;
            }

            code.CopyTo(new Span<byte>(start, code.Length));
            if (Protect(start, bytes, ProtRead | ProtExecute) == 0)
            {
                return (byte*)start;
            }

            _ = Unmap(start, bytes);
            return null;
        }

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

    [SupportedOSPlatform("windows")]
    private static partial class Windows
    {
        private const nint ThisProcess = -1;
        private const uint ReserveAndCommit = 0x3000;
        private const uint Release = 0x8000;
        private const uint ReadWrite = 0x04;
        private const uint ExecuteRead = 0x20;

        public static byte* Write(ReadOnlySpan<byte> code)
        {
            nuint bytes = (nuint)code.Length;
            void* start = Allocate(null, bytes, ReserveAndCommit, ReadWrite);
            if (start is null)
            {
                return null;
            }

            code.CopyTo(new Span<byte>(start, code.Length));
            if (Protect(start, bytes, ExecuteRead, out _) != 0 && Flush(ThisProcess, start, bytes) != 0)
            {
                return (byte*)start;
            }

            _ = Free(start, 0, Release);
            return null;
        }

        [LibraryImport("kernel32", EntryPoint = "VirtualAlloc")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        private static partial void* Allocate(void* address, nuint size, uint type, uint protection);

        [LibraryImport("kernel32", EntryPoint = "VirtualProtect")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        private static partial int Protect(void* address, nuint size, uint protection, out uint before);

        [LibraryImport("kernel32", EntryPoint = "VirtualFree")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        private static partial int Free(void* address, nuint size, uint type);

        [LibraryImport("kernel32", EntryPoint = "FlushInstructionCache")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        private static partial int Flush(nint process, void* address, nuint size);
    }
}
