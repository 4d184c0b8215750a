using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace SpecDecode.Weights;

/// <summary>What Linux says of a file, by <c>statx</c>; null where the kernel or the file system does not say it.</summary>
[SupportedOSPlatform("linux")]
internal static unsafe partial class LinuxFileStatus
{
    private const int CurrentFolder = -100;
    private const int EmptyPath = 0x1000;
    private const uint Owner = 0x8;
    private const uint Modified = 0x40;
    private const uint Inode = 0x100;
    private const uint Length = 0x200;
    private const uint Born = 0x800;

    /// <summary>The number of the user that a file or folder belongs to.</summary>
    /// <param name="path">The file; of a link what it points to counts.</param>
    public static uint? OwnerOf(string path) => Read(CurrentFolder, path, 0, Owner) is { } status && (status.Mask & Owner) != 0 ? status.Owner : null;

    /// <summary>The same of an open file.</summary>
    public static uint? OwnerOf(SafeFileHandle file) => Read(file, Owner) is { } status && (status.Mask & Owner) != 0 ? status.Owner : null;

    /// <summary>
    /// Length, time and identity of an open file. It is identified by its inode and by the time at which that was made, since numbers of
    /// inodes are given again; where the file system does not keep that time, by inode and device. The device is left out otherwise: the
    /// number of one that is no disk, such as a container's, is another whenever it is mounted.
    /// </summary>
    public static FileState? StateOf(SafeFileHandle file)
    {
        const uint Needed = Modified | Inode | Length;
        if (Read(file, Needed | Born) is not { } status || (status.Mask & Needed) != Needed)
        {
            return null;
        }

        bool isBirthKnown = (status.Mask & Born) != 0 && (status.Born.Seconds, status.Born.Nanoseconds) != (0, 0u);
        return new FileState(
            (long)status.Length,
            status.Modified.Value,
            isBirthKnown ? string.Create(CultureInfo.InvariantCulture, $"inode {status.Inode}, made {status.Born.Value}")
                : string.Create(CultureInfo.InvariantCulture, $"inode {status.Inode}, device {status.DeviceMajor}:{status.DeviceMinor}"));
    }

    /// <summary>The number of the user whose rights the process has.</summary>
    [LibraryImport("libc", EntryPoint = "geteuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial uint CurrentUser();

    private static Status? Read(SafeFileHandle file, uint mask)
    {
        bool isHeld = false;
        try
        {
            file.DangerousAddRef(ref isHeld);
            return Read((int)file.DangerousGetHandle(), "", EmptyPath, mask);
        }
        finally
        {
            if (isHeld)
            {
                file.DangerousRelease();
            }
        }
    }

    private static Status? Read(int folder, string path, int flags, uint mask)
    {
        Status status = default;
        return Statx(folder, path, flags, mask, &status) == 0 ? status : null;
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Statx(int folder, string path, int flags, uint mask, Status* status);

    /// <summary>The parts that are read of the kernel's struct statx: 256 bytes, the same on all architectures.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Status
    {
        [FieldOffset(0)]
        public uint Mask;

        [FieldOffset(20)]
        public uint Owner;

        [FieldOffset(32)]
        public ulong Inode;

        [FieldOffset(40)]
        public ulong Length;

        [FieldOffset(80)]
        public Time Born;

        [FieldOffset(112)]
        public Time Modified;

        [FieldOffset(136)]
        public uint DeviceMajor;

        [FieldOffset(140)]
        public uint DeviceMinor;
    }

    [StructLayout(LayoutKind.Sequential, Size = 16)]
    private struct Time
    {
        public long Seconds;
        public uint Nanoseconds;

        public readonly FileTime Value => new(Seconds, Nanoseconds);
    }
}
