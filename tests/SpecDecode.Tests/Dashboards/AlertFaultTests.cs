using SpecDecode.Tests.Samples;

namespace SpecDecode.Tests.Dashboards;

/// <summary>
/// Each alert is made to fire by a fault of a real service and clears when that is mended, as a real Prometheus sees it, over windows of seconds. Takes
/// minutes, so it runs with SPECDECODE_TEST_LONG=1 alone.
/// </summary>
public sealed class AlertFaultTests
{
    private static readonly TimeSpan LongestFault = TimeSpan.FromSeconds(50);

    private static readonly object[] Writing =
    [
        new { prompt = "Once upon a time there was a dog", maxTokens = 120 },
        new { prompt = "One day a girl named Lily", maxTokens = 90 },
    ];

    private static readonly object[] WritingPlainly = [new { prompt = "Once upon a time there was a dog", maxTokens = 120, draftLength = 0 }];

    private static readonly object[] WritingNonsense = [new { prompt = "Once upon a time", maxTokens = 200, temperature = 5 }];

    // At this temperature the model finds no end.
    private static readonly object[] WritingLong = [new { prompt = "Once upon a time", maxTokens = 450, draftLength = 0, temperature = 5 }];

    private readonly int _port = Prometheus.FreePort();
    private readonly HashSet<string> _seen = [];

    [Fact]
    public async Task Each_alert_fires_on_its_fault_and_clears_when_that_is_over()
    {
        Prometheus.SkipWithout();
        Assert.SkipUnless(TestScale.IsLong, "It takes minutes: set SPECDECODE_TEST_LONG=1.");
        await using Prometheus prometheus = await Prometheus.StartAsync(_port, windowSeconds: 10, holdSeconds: 2);

        // Nobody is there; then a service whose model cannot be loaded; then one that answers.
        await Fires(prometheus, "SpecDecodeDown");
        await using (await Service("--SpecDecode:Runtime:LoadInBackground=true", "--SpecDecode:Model:Path=nowhere"))
        {
            await Clears(prometheus, "SpecDecodeDown");
            await Fires(prometheus, "SpecDecodeModelNotReady");
        }

        await using (ServiceProcess service = await Service())
        {
            await Clears(prometheus, "SpecDecodeModelNotReady");
        }

        // A drafter that is good for nothing, until requests ask for plain decoding.
        await using (ServiceProcess service = await Service(
            "--SpecDecode:Drafting:Strategy=early-exit", "--SpecDecode:Drafting:ExitLayer=1", "--SpecDecode:Drafting:Threshold=0", "--SpecDecode:Drafting:DraftLength=10"))
        {
            await Under(prometheus, service, 2, Writing, "SpecDecodeAcceptanceCollapse", "SpecDecodeSlowerThanPlain");
            await MixedLoad.Run(service.Client, TimeSpan.FromSeconds(2), 2, WritingPlainly, TestContext.Current.CancellationToken);
            await Clears(prometheus, "SpecDecodeAcceptanceCollapse", "SpecDecodeSlowerThanPlain");
        }

        // Texts that never repeat themselves, and nothing else to draft from.
        await using (ServiceProcess service = await Service("--SpecDecode:Drafting:Strategy=lookup", "--SpecDecode:Drafting:ExitLayer=", "--SpecDecode:Drafting:Threshold="))
        {
            await Under(prometheus, service, 2, WritingNonsense, "SpecDecodeSpeculationSuspended");
            await Clears(prometheus, "SpecDecodeSpeculationSuspended");
        }

        await using (ServiceProcess service = await Service("--SpecDecode:Runtime:MaxSequences=1"))
        {
            await Under(prometheus, service, 24, WritingLong, "SpecDecodeQueueGrowth");
            await Clears(prometheus, "SpecDecodeQueueGrowth");
        }

        await using (ServiceProcess service = await Service("--SpecDecode:Runtime:MaxSequences=1", "--SpecDecode:Runtime:MaxQueue=0"))
        {
            await Under(prometheus, service, 6, WritingLong, "SpecDecodeRefusals");
            await Clears(prometheus, "SpecDecodeRefusals");
        }

        // Room for one such text, which takes nearly all of it.
        await using (ServiceProcess service = await Service("--SpecDecode:Runtime:KvCacheMegabytes=6", "--SpecDecode:Runtime:Admission=reserve"))
        {
            await Under(prometheus, service, 12, WritingLong, "SpecDecodeKvCacheExhausted");
            await Clears(prometheus, "SpecDecodeKvCacheExhausted");
        }

        // The same where all begin, and most give up what they have once they have grown.
        await using (ServiceProcess service = await Service("--SpecDecode:Runtime:KvCacheMegabytes=6"))
        {
            await Under(prometheus, service, 12, WritingLong, "SpecDecodePreemptions");
            await Clears(prometheus, "SpecDecodePreemptions");
        }

        await Fail(prometheus);
        Assert.Equal(RuleFile.Alerts().Order(), _seen.Order());
    }

    [Fact]
    public async Task Exhausted_memory_is_told_also_where_requests_are_admitted_by_what_is_written()
    {
        Prometheus.SkipWithout();
        Assert.SkipUnless(TestScale.IsLong, "It takes minutes: set SPECDECODE_TEST_LONG=1.");
        await using Prometheus prometheus = await Prometheus.StartAsync(_port, windowSeconds: 10, holdSeconds: 2);

        // Room for five such texts where 64 may run at the same time, and 40 ask.
        await using ServiceProcess service = await Service("--SpecDecode:Runtime:KvCacheMegabytes=24", "--SpecDecode:Runtime:MaxSequences=64");
        await Under(prometheus, service, 40, WritingNonsense, "SpecDecodeKvCacheExhausted");
        await Clears(prometheus, "SpecDecodeKvCacheExhausted");
    }

    // Somebody cuts the file of weights that is served from, and puts it back.
    private async Task Fail(Prometheus prometheus)
    {
        using TemporaryFolder cache = new();
        await using ServiceProcess service = await Service($"--SpecDecode:Model:CacheFolder={cache.Path}");
        string weights = Directory.EnumerateFiles(cache.Path, "*", SearchOption.AllDirectories).MaxBy(file => new FileInfo(file).Length)!;
        long length = new FileInfo(weights).Length;
        byte[] last = new byte[1];
        await using (FileStream file = new(weights, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            file.Position = length - 1;
            file.ReadExactly(last);
            file.SetLength(length - 1);
        }

        await Under(prometheus, service, 2, Writing, "SpecDecodeErrorRate");
        await using (FileStream file = new(weights, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.Position = length - 1;
            file.Write(last);
        }

        Assert.True(await MixedLoad.Run(service.Client, TimeSpan.FromSeconds(12), 2, Writing, TestContext.Current.CancellationToken) > 0);
        await Clears(prometheus, "SpecDecodeErrorRate");
    }

    private Task<ServiceProcess> Service(params string[] options) => ServiceProcess.StartAsync([$"--urls=http://127.0.0.1:{_port}", "--SpecDecode:Runtime:Threads=1", .. options]);

    // Asks until all of them fire.
    private async Task Under(Prometheus prometheus, ServiceProcess service, int callers, object[] bodies, params string[] alerts)
    {
        using CancellationTokenSource end = new();
        Task<int> load = MixedLoad.Run(service.Client, LongestFault, callers, bodies, end.Token);
        try
        {
            await Fires(prometheus, alerts);
        }
        finally
        {
            await end.CancelAsync();
            await load;
        }
    }

    private async Task Fires(Prometheus prometheus, params string[] alerts)
    {
        HashSet<string> fired = [];
        await prometheus.UntilAsync(
            async () =>
            {
                fired.UnionWith(await prometheus.Firing());
                return fired.IsSupersetOf(alerts);
            },
            $"{string.Join(" and ", alerts)} do not fire");
        _seen.UnionWith(alerts);
    }

    private static Task Clears(Prometheus prometheus, params string[] alerts) => prometheus.UntilAsync(
        async () => !(await prometheus.Firing()).Overlaps(alerts), $"{string.Join(" and ", alerts)} do not clear");
}
