using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using SpecDecode.Tests.Samples;

namespace SpecDecode.Tests.Server.Load;

/// <summary>
/// Ten times as many connections as fit: who does not fit is told at once and when to come again, who does gets the whole text, and nothing is held in the end. With
/// <c>SPECDECODE_TEST_LONG=1</c> it takes minutes, and with <c>-diagnostics</c> it tells what it measured.
/// </summary>
public sealed class OverloadTests
{
    private const int Sequences = 8;
    private const int Queue = 12;
    private const int Fits = Sequences + Queue;
    private const int Connections = 10 * Fits;
    private const string Model = "tales";

    private static readonly string[] Options =
        [$"--SpecDecode:Models:tales:Runtime:MaxSequences={Sequences}", $"--SpecDecode:Models:tales:Runtime:MaxQueue={Queue}", "--SpecDecode:Models:tales:Runtime:Threads=1", "--SpecDecode:Models:tales-int4:Runtime:Threads=1"];

    private static readonly string[] Prompts = ["Once upon a time there was a dog", "The little bird", "One day Lily and Tom", "It was a sunny day and"];

    [Fact]
    public async Task Of_two_hundred_connections_those_that_do_not_fit_are_refused_while_all_that_do_are_still_served()
    {
        await using ServiceProcess server = await ServiceProcess.StartAsync(Options);
        using Caller alone = new(server.Client.BaseAddress!);
        string text = (await alone.AskAsync(Caller.Body(Model, Prompts[0], 600))).Text;
        Caller[] callers = [.. Enumerable.Range(0, Connections).Select(_ => new Caller(server.Client.BaseAddress!))];
        Task<Caller.Answer>[] admitted = [.. callers.Take(Fits).Select(caller => caller.AskAsync(Caller.Body(Model, Prompts[0], 600)))];
        while (await InWork(server) < Fits)
        {
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }

        Caller.Answer[] refused = await Task.WhenAll(callers.Skip(Fits).Select(caller => caller.AskAsync(Caller.Body(Model, Prompts[0], 600))));
        Assert.Equal(Fits, await InWork(server));
        Assert.Equal(Connections - Fits, refused.Length);
        Assert.All(refused, answer => Assert.True(answer.IsTold, $"{answer}"));
        Assert.All(await Task.WhenAll(admitted), answer => Assert.Equal(text, answer.Text));
        await Held.ReadAtRest(server);
        Array.ForEach(callers, caller => caller.Dispose());
    }

    [Fact]
    public async Task Two_hundred_connections_that_come_again_and_again_change_no_text_of_those_that_are_admitted()
    {
        await using ServiceProcess server = await ServiceProcess.StartAsync(Options);
        using Caller alone = new(server.Client.BaseAddress!);
        Dictionary<string, string> texts = [];
        foreach (string prompt in Prompts)
        {
            texts.Add(prompt, (await alone.AskAsync(Caller.Body(Model, prompt, 32))).Text);
        }

        // As many as fit and ten times as many follow each other, so that whatever else this machine does meets both.
        TimeSpan time = TimeSpan.FromSeconds(TestScale.IsLong ? 8 : 3);
        List<double> ratios = [];
        await Run(server, Fits, time, texts);
        for (int round = 0; round < TestScale.Cases(1, 7); round++)
        {
            Turn few = await Run(server, Fits, time, texts);
            Turn many = await Run(server, Connections, time, texts);
            Assert.True(many.Refused > Connections - Fits, $"{many.Refused} refused.");
            Assert.True(many.Answered > Fits, $"{many.Answered} answered.");
            ratios.Add(many.FirstToken / few.FirstToken);
            TestContext.Current.SendDiagnosticMessage(FormattableString.Invariant(
                $"{Fits} connections: {few}; {Connections} connections: {many}; 95th percentile of the time to the first token: {ratios[^1]:f2} times"));
        }

        TestContext.Current.SendDiagnosticMessage(FormattableString.Invariant(
            $"{ratios.Count} turns, ratio of the 95th percentiles: median {ratios.Order().ElementAt(ratios.Count / 2):f2}, {ratios.Min():f2} to {ratios.Max():f2}"));
        await Held.ReadAtRest(server);
    }

    private static async Task<Turn> Run(ServiceProcess server, int connections, TimeSpan time, Dictionary<string, string> texts)
    {
        ConcurrentBag<TimeSpan> first = [];
        ConcurrentBag<TimeSpan> refusals = [];
        long start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, connections).Select(async number =>
        {
            using Caller caller = new(server.Client.BaseAddress!);
            for (int turn = 0; Stopwatch.GetElapsedTime(start) < time; turn++)
            {
                string prompt = Prompts[(number + turn) % Prompts.Length];
                Caller.Answer answer = await caller.AskAsync(Caller.Body(Model, prompt, 32));
                if (answer.Status == System.Net.HttpStatusCode.OK)
                {
                    Assert.Equal(texts[prompt], answer.Text);
                    first.Add(answer.First);
                }
                else
                {
                    Assert.True(answer.IsTold, $"{answer}");
                    refusals.Add(answer.First);
                    await Task.Delay(answer.RetryAfter!.Value, TestContext.Current.CancellationToken);
                }
            }
        }));
        return new Turn(first.Count, Percentile(first), refusals.Count, Percentile(refusals));
    }

    private static double Percentile(IEnumerable<TimeSpan> times) => times.Select(time => time.TotalMilliseconds).Order().ToArray() is { Length: > 0 } sorted
        ? sorted[(int)Math.Ceiling(.95 * sorted.Length) - 1]
        : 0;

    private static async Task<int> InWork(ServiceProcess server)
    {
        JsonElement status = JsonElement.Parse(await server.Client.GetStringAsync(new Uri("/status", UriKind.Relative), TestContext.Current.CancellationToken));
        JsonElement figures = status.GetProperty("models").EnumerateArray().Single(model => model.GetProperty("name").GetString() == Model).GetProperty("figures");
        return figures.GetProperty("live").GetInt32() + figures.GetProperty("waiting").GetInt32();
    }

    private sealed record Turn(int Answered, double FirstToken, int Refused, double Refusal)
    {
        public override string ToString() => FormattableString.Invariant($"{Answered} answered, first token within {FirstToken:f0} ms (95 %), {Refused} refused within {Refusal:f1} ms (95 %)");
    }
}
