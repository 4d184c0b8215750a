using System.Runtime.InteropServices;
using SpecDecode.OnnxRuntime.Memory;

namespace SpecDecode.Tests.OnnxRuntime;

public sealed class MapFlagsTests
{
    // MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, as sys/mman.h of each system has them.
    [Theory]
    [InlineData("LINUX", 0x0002 | 0x0020 | 0x4000)]
    [InlineData("OSX", 0x0002 | 0x1000 | 0x0040)]
    [InlineData("FREEBSD", null)]
    [InlineData("", null)]
    public void Each_system_has_its_own_numbers_and_an_unknown_one_none(string platform, int? flags) =>
        Assert.Equal(flags, MapFlags.Of(platform.Length == 0 ? default : OSPlatform.Create(platform)));
}
