using System.Globalization;
using SpecDecode.Limits;
using SpecDecode.Scheduling;

namespace SpecDecode.Tests.Limits;

public sealed class ThreadChoiceTests : IDisposable
{
    private readonly TemporaryFolder _root = new();

    public void Dispose() => _root.Dispose();

    [Theory]
    [InlineData("0-7", 4, false)]
    [InlineData("0-3", 4, true)]
    [InlineData("0,4", 1, true)]
    [InlineData("1,2,5-6", 2, true)]
    public void Processors_of_one_core_count_once_and_only_those_that_are_allowed(string allowed, int cores, bool isRestricted)
    {
        // Four cores of two threads each.
        Write("proc/self/status", $"Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t{allowed}\n");
        Write("sys/devices/system/cpu/online", "0-7\n");
        for (int cpu = 0; cpu < 8; cpu++)
        {
            Write(string.Create(CultureInfo.InvariantCulture, $"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"), $"{cpu % 4},{(cpu % 4) + 4}\n");
        }

        Assert.Equal(new ProcessorCores(cores, isRestricted), ProcessorCores.Read(_root.Path));
    }

    [Theory]
    [InlineData("Cpus_allowed_list:\t0-1\n")]
    [InlineData("Cpus_allowed_list:\t\n")]
    [InlineData("Cpus_allowed_list:\tall\n")]
    [InlineData("")]
    public void Cores_that_the_system_does_not_tell_are_unknown(string status)
    {
        Write("proc/self/status", status);
        Write("sys/devices/system/cpu/online", "0-1\n");
        Assert.Null(ProcessorCores.Read(_root.Path).Physical);
    }

    [Theory]
    [InlineData(64, 32, false, null, false, 32, "one for each physical core")]
    [InlineData(4, 2, true, null, false, 2, "one for each physical core that its affinity allows")]
    [InlineData(3, 32, false, 2.5, false, 2, "the whole processors of a quota of 2.5")]
    [InlineData(1, 32, false, 0.5, false, 1, "the whole processors of a quota of 0.5")]
    [InlineData(4, 2, false, 4.0, false, 2, "one for each physical core")]
    [InlineData(3, 32, false, null, true, 3, "DOTNET_PROCESSOR_COUNT")]
    [InlineData(8, 4, false, 6.0, true, 4, "one for each physical core")]
    [InlineData(5, 32, false, null, false, 5, "one for each processor")]
    public void Threads_are_the_least_of_cores_whole_quota_and_processors(
        int processors, int cores, bool isRestricted, double? quota, bool isCountSet, int count, string reason)
    {
        ProcessLimits limits = new(processors, isCountSet, new ProcessorCores(cores, isRestricted), quota, 1L << 30);
        Assert.Equal(new ThreadChoice(count, reason), ThreadChoice.Of(new RuntimeOptions(), limits));
    }

    [Fact]
    public void What_is_asked_for_holds_and_more_than_there_is_is_told()
    {
        ProcessLimits limits = new(2, false, new ProcessorCores(2, false), 2, 1L << 30);
        Assert.Equal(new ThreadChoice(2, "as Threads says"), ThreadChoice.Of(new RuntimeOptions { Threads = 2 }, limits));
        Assert.Equal(
            new ThreadChoice(3, "as Threads says, more than the 2 processors that the process may use"), ThreadChoice.Of(new RuntimeOptions { Threads = 3 }, limits));
    }

    [Fact]
    public void Here_the_choice_is_no_more_than_the_processors_that_there_are()
    {
        ThreadChoice choice = ThreadChoice.Of(new RuntimeOptions(), ProcessLimits.Current);
        Assert.InRange(choice.Count ?? 1, 1, Environment.ProcessorCount);
    }

    [Theory]
    [InlineData(null, 1000, 200, 400)]
    [InlineData(null, 1600, 1590, 100)]
    [InlineData(null, 1600, 9999, 100)]
    [InlineData(3, 1000, 200, 3 << 20)]
    public void Caches_may_take_half_of_what_the_weights_leave_and_a_sixteenth_in_any_case(int? asked, long memory, long weights, long bytes) =>
        Assert.Equal(bytes, SchedulerLimits.Of(new RuntimeOptions { KvCacheMegabytes = asked }, memory, weights).KvBytes);

    private void Write(string path, string text)
    {
        string file = _root.File(path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }
}
