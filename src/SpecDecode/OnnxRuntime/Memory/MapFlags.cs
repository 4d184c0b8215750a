using System.Runtime.InteropServices;

namespace SpecDecode.OnnxRuntime.Memory;

/// <summary>
/// What <c>mmap</c> is told for memory of the process's own that is committed when it is written: <c>MAP_PRIVATE</c>,
/// <c>MAP_ANONYMOUS</c> and <c>MAP_NORESERVE</c>, of which each system has numbers of its own.
/// </summary>
internal static class MapFlags
{
    private const int Private = 0x2;
    private const int LinuxAnonymous = 0x20;
    private const int LinuxNoReserve = 0x4000;
    private const int DarwinAnonymous = 0x1000;
    private const int DarwinNoReserve = 0x40;

    /// <summary>The flags of a system; null of one whose numbers are not known here.</summary>
    /// <param name="platform">The system. Of Linux the numbers are those of x64 and Arm64.</param>
    public static int? Of(OSPlatform platform) =>
        platform == OSPlatform.Linux ? Private | LinuxAnonymous | LinuxNoReserve
        : platform == OSPlatform.OSX ? Private | DarwinAnonymous | DarwinNoReserve
        : null;
}
