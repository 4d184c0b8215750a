using System.Globalization;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace SpecDecode.Weights;

/// <summary>
/// Whether only this user, or the system's administrator, can have written a file, or put another in its place in its folder. On Unix by
/// the mode, on Linux by the owner as well; the folders above are not looked at. On Windows nothing is: a folder in the user's profile
/// belongs to the user there.
/// </summary>
internal static class FileTrust
{
    private const UnixFileMode OthersWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    /// <summary>The mode of a folder of ours.</summary>
    public const UnixFileMode OwnFolder = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>The mode of a file of ours.</summary>
    public const UnixFileMode OwnFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Makes a folder that only its owner may write, if there is none.</summary>
    public static void CreateFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, OwnFolder);
        }
    }

    /// <summary>
    /// The folder of this user's own in one that others may write, too, such as a volume of a container: whoever can put another in its
    /// place cannot give that to this user. Null where owners are not looked at.
    /// </summary>
    /// <param name="shared">The folder that others may write.</param>
    public static string? OwnFolderIn(string shared) =>
        OperatingSystem.IsLinux() ? Path.Combine(shared, string.Create(CultureInfo.InvariantCulture, $"specdecode-{LinuxFileStatus.CurrentUser()}")) : null;

    /// <summary>Why others may put files into a folder; null where they may not, or it does not exist.</summary>
    /// <param name="path">The folder; of a link what it points to counts.</param>
    public static string? FindFolderDoubt(string path)
    {
        if (OperatingSystem.IsWindows() || !Directory.Exists(path))
        {
            return null;
        }

        // With the sticky bit, too: others cannot replace our files then, but they may lay something under a name that is not there yet.
        return (File.GetUnixFileMode(path) & OthersWrite) != 0 ? "users other than its owner may write it"
            : OperatingSystem.IsLinux() ? FindOwnerDoubt(LinuxFileStatus.OwnerOf(path))
            : null;
    }

    /// <summary>Why others may have written an open file; null where they may not.</summary>
    public static string? FindFileDoubt(SafeFileHandle file) => OperatingSystem.IsWindows() ? null
        : (File.GetUnixFileMode(file) & OthersWrite) != 0 ? "users other than its owner may write it"
        : OperatingSystem.IsLinux() ? FindOwnerDoubt(LinuxFileStatus.OwnerOf(file))
        : null;

    // Null where the file system does not say.
    [SupportedOSPlatform("linux")]
    private static string? FindOwnerDoubt(uint? owner) =>
        owner is { } user && user != 0 && user != LinuxFileStatus.CurrentUser() ? $"it belongs to another user (number {user})" : null;
}
