using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace SpecDecode.OnnxRuntime.Memory;

/// <summary>What native code has freed and the C library keeps for later.</summary>
internal static partial class FreedMemory
{
    /// <summary>
    /// Gives it back to the operating system. glibc keeps freed blocks of up to 32 MB once it has seen such sizes, and packed weights are such
    /// blocks: without this a process is as large after a model has gone as before. Other C libraries give back by themselves.
    /// </summary>
    public static void GiveBack()
    {
        if (OperatingSystem.IsLinux() && IsThere.Value)
        {
            _ = Trim(0);
        }
    }

    // musl has none.
    [SupportedOSPlatform("linux")]
    private static Lazy<bool> IsThere { get; } = new(() => NativeLibrary.TryLoad("libc", typeof(FreedMemory).Assembly, null, out nint library) && NativeLibrary.TryGetExport(library, "malloc_trim", out _));

    [SupportedOSPlatform("linux")]
    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Trim(nuint keep);
}
