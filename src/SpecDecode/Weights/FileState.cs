using Microsoft.Win32.SafeHandles;

namespace SpecDecode.Weights;

/// <summary>
/// What the system says of an open file besides its bytes. A file of which all of this is as it was is taken to hold the bytes that
/// it held: whatever is written to it sets another time, and another file in its place has another identity.
/// </summary>
/// <param name="Length">Its length in bytes.</param>
/// <param name="Modified">When it was last written to.</param>
/// <param name="Identity">Which file it is, in words that no other file has.</param>
internal sealed record FileState(long Length, FileTime Modified, string Identity)
{
    // As coarse as times of files are: FAT counts them in twos of seconds.
    private static readonly TimeSpan Granularity = TimeSpan.FromSeconds(2);

    /// <summary>A time of which whatever is written later is told apart by its own time.</summary>
    public static DateTime SettledTime => DateTime.UtcNow - Granularity;

    /// <summary>Asks the system; null where it does not say all of it.</summary>
    /// <param name="file">The file; of a link what it points to is open.</param>
    public static FileState? Of(SafeFileHandle file)
    {
        try
        {
            return OperatingSystem.IsLinux() ? LinuxFileStatus.StateOf(file)
                : OperatingSystem.IsWindows() ? WindowsFileStatus.StateOf(file)
                : new FileState(
                    RandomAccess.GetLength(file), FileTime.Of(File.GetLastWriteTimeUtc(file)),
                    $"made {FileTime.Of(File.GetCreationTimeUtc(file))}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>
    /// Whether the file was last written to so long before that whatever is written to it from then on gives it another time. What was
    /// written a moment before, or is dated in the future, may change once more and look the same.
    /// </summary>
    /// <param name="settledTime">What <see cref="SettledTime"/> was when its bytes began to be read.</param>
    public bool IsSettled(DateTime settledTime) => Modified.CompareTo(FileTime.Of(settledTime)) <= 0;
}
