using System.Diagnostics;
using SpecDecode.Tests.Samples;

namespace SpecDecode.Tests.Server.Load;

/// <summary>
/// Thousands of requests, most of which are left, huge, broken or forbidden: each is answered as it must be, and in the end nothing is held. Thirty seconds of them; all ten
/// thousand with <c>SPECDECODE_TEST_LONG=1</c>; for so many minutes with <c>SPECDECODE_TEST_LOAD_MINUTES</c>. With <c>-diagnostics</c> it tells what it measured.
/// </summary>
public sealed class RoughTreatmentTests
{
    private const int Callers = 16;
    private const int Requests = 10_000;
    private const string Key = "the key";

    // What a process's memory may come to over what it had reached after the first tenth: garbage that is not collected yet, and buffers that are kept for the next long body.
    private const long Growth = 96L << 20;

    private static readonly string[] Prompts = ["Once upon a time there was a dog", "The little bird", "One day Lily and Tom", "It was a sunny day and"];

    [Fact]
    public async Task Whatever_is_asked_and_however_it_is_left_nothing_is_held_in_the_end()
    {
        await using ServiceProcess server = await ServiceProcess.StartAsync(
            $"--SpecDecodeEndpoints:ApiKeys:0={Key}",
            // What is kept of texts for others that begin alike fills its memory, which is the machine's without a limit.
            "--SpecDecode:Models:tales:Runtime:KvCacheMegabytes=64", "--SpecDecode:Models:tales-int4:Runtime:KvCacheMegabytes=64",
            "--SpecDecode:Models:tales:Runtime:MaxSequences=6", "--SpecDecode:Models:tales:Runtime:MaxQueue=2", "--SpecDecode:Models:tales:Runtime:Threads=1",
            "--SpecDecode:Models:tales-int4:Runtime:MaxSequences=6", "--SpecDecode:Models:tales-int4:Runtime:MaxQueue=2", "--SpecDecode:Models:tales-int4:Runtime:Threads=1");
        Uri address = server.Client.BaseAddress!;
        using Caller alone = new(address, Key);
        Dictionary<(string Model, string Prompt), string> texts = [];
        foreach ((string model, string prompt) in from model in (string[])["tales", "tales-int4"] from prompt in Prompts select (model, prompt))
        {
            texts.Add((model, prompt), (await alone.AskAsync(Caller.Body(model, prompt, RoughRequests.NewTokens))).Text);
        }

        RoughRequests requests = new(address, Key, texts);
        bool isForTime = TestScale.LoadMinutes > 0;
        TimeSpan most = isForTime ? TimeSpan.FromMinutes(TestScale.LoadMinutes) : TestScale.IsLong ? TimeSpan.FromMinutes(6) : TimeSpan.FromSeconds(30);
        long start = Stopwatch.GetTimestamp();
        int asked = 0;
        double Part() => Math.Max(Stopwatch.GetElapsedTime(start) / most, isForTime ? 0 : (double)asked / Requests);
        List<Held> seen = [];
        Task watching = WatchAsync();
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(async _ =>
        {
            using Caller caller = new(address, Key);
            while (Part() < 1 && requests.Complaints.Count < 20)
            {
                await requests.MakeAsync(Interlocked.Increment(ref asked) - 1, caller);
            }
        }));
        TimeSpan took = Stopwatch.GetElapsedTime(start);
        await watching;

        Assert.True(requests.Complaints.IsEmpty, string.Join('\n', requests.Complaints));
        Held end = await Held.ReadAtRest(server);
        foreach (((string model, string prompt), string text) in texts)
        {
            Assert.Equal(text, (await alone.AskAsync(Caller.Body(model, prompt, RoughRequests.NewTokens))).Text);
        }

        Held level = seen[0];
        TestContext.Current.SendDiagnosticMessage(
            $"{asked} requests in {took:hh\\:mm\\:ss}: {string.Join(", ", requests.Counts.OrderBy(count => count.Key, StringComparer.Ordinal).Select(count => $"{count.Key}: {count.Value}"))}");
        TestContext.Current.SendDiagnosticMessage($"MB of the process: {Megabytes(seen, held => held.ProcessBytes)}; of the managed heap: {Megabytes(seen, held => held.HeapBytes)}; at rest {end.ProcessBytes >> 20}, {end.HeapBytes >> 20}");
        Assert.InRange(end.ProcessBytes, 0, level.ProcessBytes + Growth);

        // After each tenth: what it has come to.
        async Task WatchAsync()
        {
            while (seen.Count < 10)
            {
                await Task.Delay(250, TestContext.Current.CancellationToken);
                if (requests.Complaints.Count >= 20)
                {
                    return;
                }

                if (Part() >= .1 * (seen.Count + 1))
                {
                    seen.Add(await Held.Read(server));
                }
            }
        }
    }

    private static string Megabytes(List<Held> seen, Func<Held, long> bytes) => string.Join(' ', seen.Select(held => bytes(held) >> 20));
}
