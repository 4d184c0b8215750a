using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace SpecDecode.Weights;

/// <summary>What Windows says of a file.</summary>
[SupportedOSPlatform("windows")]
internal static unsafe partial class WindowsFileStatus
{
    // BY_HANDLE_FILE_INFORMATION: thirteen double words, those of a number the lower first in times and the higher first elsewhere.
    private const int Words = 13;
    private const int CreationWord = 1;
    private const int WriteWord = 5;
    private const int VolumeWord = 7;
    private const int LengthWord = 8;
    private const int IndexWord = 11;

    /// <summary>
    /// Length, time and identity of an open file; null where the system does not say them. It is identified by the volume, its index
    /// there and the time at which it was made.
    /// </summary>
    public static FileState? StateOf(SafeFileHandle file)
    {
        uint* information = stackalloc uint[Words];
        return !GetFileInformationByHandle(file, information) ? null : new FileState(
            (long)HigherFirst(LengthWord),
            Time(WriteWord),
            string.Create(CultureInfo.InvariantCulture, $"file {HigherFirst(IndexWord)}, volume {information[VolumeWord]}, made {Time(CreationWord)}"));

        ulong HigherFirst(int word) => (ulong)information[word] << 32 | information[word + 1];

        FileTime Time(int word) => FileTime.OfTicks((long)Math.Min((ulong)information[word + 1] << 32 | information[word], long.MaxValue) - DateTime.UnixEpoch.ToFileTimeUtc());
    }

    [LibraryImport("kernel32", EntryPoint = "GetFileInformationByHandle")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GetFileInformationByHandle(SafeFileHandle file, uint* information);
}
