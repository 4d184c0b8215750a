using SpecDecode.Limits;

namespace SpecDecode.Tests.Limits;

/// <summary>Control groups as Linux shows them, in folders that are made up.</summary>
public sealed class ControlGroupTests : IDisposable
{
    private const string UnifiedMount = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup rw,nsdelegate";

    private readonly TemporaryFolder _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void Nothing_that_can_be_read_limits_nothing() => Assert.Equal(new ControlGroup(null, null), ControlGroup.Read(_root.Path));

    [Fact]
    public void A_container_sees_its_own_group_at_the_top()
    {
        Write("proc/self/cgroup", "0::/\n");
        Write("proc/self/mountinfo", "22 1 254:0 / / rw - ext4 /dev/vda rw\n" + UnifiedMount + "\n");
        Write("sys/fs/cgroup/cpu.max", "150000 100000\n");
        Write("sys/fs/cgroup/memory.max", "1073741824\n");
        Write("sys/fs/cgroup/memory.high", "max\n");
        Assert.Equal(new ControlGroup(1.5, 1L << 30), ControlGroup.Read(_root.Path));
    }

    [Fact]
    public void The_least_of_a_group_and_those_above_it_counts()
    {
        Write("proc/self/cgroup", "0::/kubepods/pod/container\n");
        Write("proc/self/mountinfo", UnifiedMount + "\n");
        Write("sys/fs/cgroup/kubepods/cpu.max", "max 100000\n");
        Write("sys/fs/cgroup/kubepods/memory.max", "4000000000\n");
        Write("sys/fs/cgroup/kubepods/pod/cpu.max", "250000 100000\n");
        Write("sys/fs/cgroup/kubepods/pod/memory.max", "max\n");
        Write("sys/fs/cgroup/kubepods/pod/container/cpu.max", "400000 100000\n");
        Write("sys/fs/cgroup/kubepods/pod/container/memory.max", "3000000000\n");
        Write("sys/fs/cgroup/kubepods/pod/container/memory.high", "2000000000\n");
        Assert.Equal(new ControlGroup(2.5, 2_000_000_000), ControlGroup.Read(_root.Path));
    }

    [Fact]
    public void Groups_of_version_1_have_a_mount_for_each_controller()
    {
        Write("proc/self/cgroup", "5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n3:cpuset:/\n0::/\n");
        Write("proc/self/mountinfo", """
            31 30 0:28 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct
            34 30 0:31 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory
            40 30 0:37 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw

            """);
        Write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "50000\n");
        Write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
        Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n");
        Assert.Equal(new ControlGroup(0.5, 1L << 29), ControlGroup.Read(_root.Path));
    }

    [Fact]
    public void Without_a_limit_version_1_says_minus_one_and_the_largest_number_of_pages()
    {
        Write("proc/self/cgroup", "4:memory:/\n1:cpu:/\n");
        Write("proc/self/mountinfo", "31 30 0:28 / /cg/cpu rw - cgroup cgroup rw,cpu\n34 30 0:31 / /cg/memory rw - cgroup cgroup rw,memory\n");
        Write("cg/cpu/cpu.cfs_quota_us", "-1\n");
        Write("cg/cpu/cpu.cfs_period_us", "100000\n");
        Write("cg/memory/memory.limit_in_bytes", "9223372036854771712\n");
        Assert.Equal(new ControlGroup(null, null), ControlGroup.Read(_root.Path));
    }

    [Theory]
    [InlineData("0::/../other")]
    [InlineData("0::/elsewhere")]
    public void A_group_outside_of_what_is_mounted_counts_as_the_mounts_own(string group)
    {
        Write("proc/self/cgroup", group + "\n");
        Write("proc/self/mountinfo", "30 23 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n");
        Write("sys/fs/cgroup/cpu.max", "300000 100000\n");
        Write("other/cpu.max", "100000 100000\n");
        Assert.Equal(3, ControlGroup.Read(_root.Path).Quota);
    }

    [Theory]
    [InlineData("")]
    [InlineData("max")]
    [InlineData("many 100000")]
    [InlineData("100000 0")]
    [InlineData("-5 100000")]
    [InlineData("99999999999999999999 100000")]
    public void What_is_no_limit_limits_nothing(string text)
    {
        Write("proc/self/cgroup", "0::/\nnonsense\n");
        Write("proc/self/mountinfo", UnifiedMount + "\nshort\n");
        Write("sys/fs/cgroup/cpu.max", text);
        Write("sys/fs/cgroup/memory.max", text);
        Assert.Equal(new ControlGroup(null, null), ControlGroup.Read(_root.Path));
    }

    private void Write(string path, string text)
    {
        string file = _root.File(path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }
}
