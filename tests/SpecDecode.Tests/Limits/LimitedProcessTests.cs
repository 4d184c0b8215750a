using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace SpecDecode.Tests.Limits;

/// <summary>A hosted model in a process of its own that is limited from outside, and what it says of that.</summary>
public sealed partial class LimitedProcessTests
{
    [Fact]
    public async Task Without_a_limit_it_computes_on_as_many_threads_as_it_says()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere threads are not counted.");
        Said said = await Run([]);
        Assert.InRange(said.Threads, 1, Environment.ProcessorCount);
        Assert.Equal(said.Threads, said.Counted);
    }

    [Fact]
    public async Task An_affinity_to_one_processor_is_one_thread()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/taskset"), "taskset is not there.");
        Assert.SkipUnless(Environment.ProcessorCount > 1, "This process may use one processor alone.");
        Said said = await Run(["taskset", "-c", FirstProcessor()]);
        Assert.Equal((1, "one for each physical core that its affinity allows", 1), (said.Threads, said.Reason, said.Counted));
    }

    [Fact]
    public async Task A_number_of_processors_that_NET_is_told_holds()
    {
        Assert.SkipUnless(Environment.ProcessorCount > 1, "This process may use one processor alone.");
        Said said = await Run([], ("DOTNET_PROCESSOR_COUNT", "1"));
        Assert.Equal((1, "DOTNET_PROCESSOR_COUNT", 1), (said.Threads, said.Reason, said.Counted));
    }

    [Fact]
    public async Task A_limit_of_memory_that_NET_is_told_bounds_keys_and_values()
    {
        Said said = await Run([], ("DOTNET_GCHeapHardLimit", "0x10000000"));
        Assert.Equal(256, said.MemoryMegabytes);
        Assert.InRange(said.KvMegabytes, ((256 - said.WeightMegabytes) / 2) - 1, (256 - said.WeightMegabytes) / 2);
        Assert.True((await Run([])).MemoryMegabytes > 256);
    }

    [Theory]
    [InlineData(150_000, 1, "the whole processors of a quota of 1.5")]
    [InlineData(50_000, 1, "the whole processors of a quota of 0.5")]
    public async Task A_quota_of_time_is_rounded_down_to_whole_threads(int quota, int threads, string reason)
    {
        using TimeQuota group = TimeQuota.Make(quota);
        Assert.SkipUnless(Environment.ProcessorCount > 1, "This process may use one processor alone.");
        Said said = await Run(["sh", "-c", $"echo $$ > {group.Processes} && exec \"$@\"", "sh"]);
        Assert.Equal((threads, reason, threads), (said.Threads, said.Reason, said.Counted));
    }

    private static string FirstProcessor() => Processors().Match(File.ReadAllText("/proc/self/status")).Groups[1].Value;

    private static async Task<Said> Run(string[] launcher, params (string Name, string Value)[] environment)
    {
        string[] words = [.. launcher, "dotnet", Path.Combine(AppContext.BaseDirectory, "SpecDecode.HostProbe.dll"), Path.Combine(TestFolders.Fixtures, "llama_base"), TestFolders.WeightCache, "limits"];
        ProcessStartInfo start = new(words[0], words[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Match match = Limits().Match(output);
        Assert.True(process.ExitCode == 0 && match.Success, output + await error);
        int Number(string group) => int.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);
        return new Said(Number("threads"), match.Groups["reason"].Value, Number("kv"), Number("weights"), Number("memory"), Number("counted"));
    }

    [GeneratedRegex(@"pool: (?<counted>\d+)\n(?s:.*)\n15: The model llama_base has a thread pool of (?<threads>\d+) \((?<reason>.*)\); keys and values may take (?<kv>\d+) MB, weights take (?<weights>\d+) MB, and the process may use (?<memory>\d+) MB\n")]
    private static partial Regex Limits();

    [GeneratedRegex(@"Cpus_allowed_list:\s*(\d+)")]
    private static partial Regex Processors();

    private sealed record Said(int Threads, string Reason, int KvMegabytes, int WeightMegabytes, int MemoryMegabytes, int Counted);

    /// <summary>A control group with a quota; the test is skipped where none can be made.</summary>
    private sealed class TimeQuota : IDisposable
    {
        private readonly string _folder;

        private TimeQuota(string folder) => _folder = folder;

        public string Processes => Path.Combine(_folder, "cgroup.procs");

        public static TimeQuota Make(int microseconds)
        {
            // Version 1 where its controller is mounted, else version 2; at the top, where a group without limits of its own lies.
            const string First = "/sys/fs/cgroup/cpu", Unified = "/sys/fs/cgroup";
            bool isFirst = File.Exists($"{First}/cpu.cfs_quota_us");
            string folder = Path.Combine(isFirst ? First : Unified, $"specdecode-test-{Guid.NewGuid():n}");
            try
            {
                Assert.SkipUnless(OperatingSystem.IsLinux() && (isFirst || File.Exists($"{Unified}/cgroup.procs")), "There are no control groups here.");
                Directory.CreateDirectory(folder);
                string text = microseconds.ToString(CultureInfo.InvariantCulture);
                File.WriteAllText(Path.Combine(folder, isFirst ? "cpu.cfs_quota_us" : "cpu.max"), isFirst ? text : text + " 100000");
                return new TimeQuota(folder);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                if (Directory.Exists(folder))
                {
                    Directory.Delete(folder);
                }

                Assert.Skip($"A control group cannot be made here: {error.Message}");
                throw;
            }
        }

        public void Dispose() => Directory.Delete(_folder);
    }
}
