using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.ML.OnnxRuntime;

namespace SpecDecode.OnnxRuntime.Memory;

/// <summary>
/// Buffers in the process's own memory, straight from the operating system: pages are committed when they are first
/// written (on Windows charged against the commit limit at once, but resident only then).
/// </summary>
internal sealed unsafe partial class CpuBufferAllocator : IBufferAllocator
{
    /// <inheritdoc/>
    public StageBuffer Reserve(long bytes, string purpose)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        void* start = (ulong)bytes > nuint.MaxValue ? null
            : OperatingSystem.IsWindows() ? Windows.Reserve((nuint)bytes)
            : Unix.Reserve((nuint)bytes);
        return start is not null
            ? new CpuBuffer(start, bytes)
            : throw new SpecDecodeException(
                $"The operating system refuses to reserve {bytes >> 20} MB for {purpose} (error {Marshal.GetLastPInvokeError()}): lower the maximum sequence length or raise the process's memory limit.");
    }

    private sealed class CpuBuffer(void* start, long bytes) : StageBuffer(start, bytes, OrtMemoryInfo.DefaultInstance)
    {
        protected override void Free(void* start)
        {
            if (OperatingSystem.IsWindows())
            {
                Windows.Free(start);
            }
            else
            {
                Unix.Free(start, (nuint)Bytes);
            }
        }
    }

    [UnsupportedOSPlatform("windows")]
    private static partial class Unix
    {
        private const int ProtRead = 1;
        private const int ProtWrite = 2;
        private const int MadviseNoHugePage = 15;

        private static readonly int? Flags =
            MapFlags.Of(OperatingSystem.IsLinux() ? OSPlatform.Linux : OperatingSystem.IsMacOS() ? OSPlatform.OSX : default);

        public static void* Reserve(nuint bytes)
        {
            if (Flags is not { } flags)
            {
                throw new SpecDecodeException(
                    $"Memory for a model is reserved on Linux, macOS and Windows, and this is {RuntimeInformation.OSDescription}: run the model on one of them.");
            }

            void* start = Map(null, bytes, ProtRead | ProtWrite, flags, -1, 0);
            if ((nint)start == -1)
            {
                return null;
            }

            if (OperatingSystem.IsLinux())
            {
                // Huge pages would commit two megabytes for the first row of a buffer. Advice: a refusal changes nothing else.
                _ = Advise(start, bytes, MadviseNoHugePage);
            }

            return start;
        }

        public static void Free(void* start, nuint bytes) => _ = Unmap(start, bytes);

        [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        private static partial void* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

        [LibraryImport("libc", EntryPoint = "madvise")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        private static partial int Advise(void* address, nuint length, int advice);

        [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        private static partial int Unmap(void* address, nuint length);
    }

    [SupportedOSPlatform("windows")]
    private static partial class Windows
    {
        private const uint Commit = 0x1000;
        private const uint ReserveOnly = 0x2000;
        private const uint Release = 0x8000;
        private const uint ReadWrite = 4;

        public static void* Reserve(nuint bytes) => Allocate(null, bytes, Commit | ReserveOnly, ReadWrite);

        public static void Free(void* start) => _ = Free(start, 0, Release);

        [LibraryImport("kernel32", EntryPoint = "VirtualAlloc", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        private static partial void* Allocate(void* address, nuint size, uint type, uint protection);

        [LibraryImport("kernel32", EntryPoint = "VirtualFree", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        private static partial int Free(void* address, nuint size, uint type);
    }
}
