using System.Collections.Concurrent;
using SpecDecode.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;
using SpecDecode.Tests.Scheduling;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.Diagnostics;

/// <summary>Requests that finish, fail and are left in one run: the counters are their sums.</summary>
[Collection(Alone.Name)]
public sealed class CombinedSumTests
{
    private const int Requests = 12;

    // Passes of the scripted model: the first waits until all have asked, another until some have left, and then some fail.
    private const int Asked = 4;
    private const int Left = 30;
    private const int FirstFailure = 45;
    private const int LastFailure = 50;

    [Fact]
    public async Task Counters_are_the_sums_of_all_requests_however_these_end()
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        using Collector collector = new();
        using ManualResetEventSlim allHaveAsked = new();
        using ManualResetEventSlim isFarEnough = new();
        using ManualResetEventSlim someHaveLeft = new();
        Recorder? recorder = null;
        using ScriptedEngine engine = new(metrics => recorder = new Recorder(metrics));
        engine.Stages.DuringCall = (pass, call) =>
        {
            if (call != 0)
            {
                return;
            }

            if (pass == Asked)
            {
                Assert.True(allHaveAsked.Wait(TimeSpan.FromSeconds(60), cancellationToken));
            }
            else if (pass == Left)
            {
                isFarEnough.Set();
                Assert.True(someHaveLeft.Wait(TimeSpan.FromSeconds(60), cancellationToken));
            }
            else if (pass is >= FirstFailure and <= LastFailure)
            {
                throw new ScriptedFailureException();
            }
        };

        using CancellationTokenSource leave = new();
        Task<GenerationResult>[] answers = [.. Enumerable.Range(0, Requests).Select(i => engine.Generator.CompleteAsync(
            ScriptedEngine.Request(60 + i) with { Tokens = [1, 2, i], Drafting = i % 3 == 0 ? DraftingOptions.None : DraftingOptions.EarlyExit(1) with { DraftLength = 2 + i % 3 } },
            i % 4 == 1 ? leave.Token : cancellationToken))];
        allHaveAsked.Set();
        Assert.True(isFarEnough.Wait(TimeSpan.FromSeconds(60), cancellationToken));
        await leave.CancelAsync();
        someHaveLeft.Set();
        List<GenerationResult> finished = [];
        (int failed, int left) = (0, 0);
        foreach (Task<GenerationResult> answer in answers)
        {
            try
            {
                finished.Add(await answer);
            }
            catch (SpecDecodeException)
            {
                failed++;
            }
            catch (OperationCanceledException)
            {
                left++;
            }
        }

        MetricReadings readings = await collector.ReadUntil(now => now.Sum("specdecode.requests.ended") == Requests && now.Sum("specdecode.sequences.live") == 0);

        // Each way to end is there, and what callers were told is what the sequences say.
        Sequence[] all = [.. recorder!.Ended];
        Assert.Equal(Requests, all.Length);
        Assert.True(finished.Count > 0 && failed > 0 && left > 0, $"{finished.Count} finished, {failed} failed, {left} left.");
        Assert.Equal((Requests, Requests / 4), (finished.Count + failed + left, left));
        Assert.Equal(
            finished.Select(result => (result.Tokens.Count, result.Drafting.Rounds, result.Drafting.Drafted, result.Drafting.Accepted)).Order(),
            all.Where(sequence => sequence.FinishReason == FinishReason.Length)
                .Select(sequence => (sequence.NewTokens.Length, sequence.Statistics.Rounds, sequence.Statistics.Drafted, sequence.Statistics.Accepted)).Order());
        foreach ((string reason, int count) in ((string, int)[])[("length", finished.Count), ("failed", failed), ("cancelled", left), ("stop", 0)])
        {
            Assert.Equal(count, readings.Sum("specdecode.requests.ended", ("specdecode.finish_reason", reason)));
            Assert.Equal(count, readings.Count("gen_ai.server.request.duration", ("specdecode.finish_reason", reason)));
        }

        Assert.All(all.Where(sequence => sequence.FinishReason != FinishReason.Length), sequence => Assert.True(sequence.NewTokens.Length > 1));
        long Sum(Func<DraftingStatistics, long> part) => all.Sum(sequence => part(sequence.Statistics));
        Assert.Equal(Sum(one => one.Rounds), readings.Sum("specdecode.rounds"));
        Assert.Equal(Sum(one => one.OutputTokens), readings.Sum("specdecode.rounds.output_tokens"));
        Assert.Equal(Sum(one => one.Drafted), readings.Sum("specdecode.draft.drafted_tokens"));
        Assert.Equal(Sum(one => one.Evaluated), readings.Sum("specdecode.draft.evaluated_tokens"));
        Assert.Equal(Sum(one => one.Accepted), readings.Sum("specdecode.draft.accepted_tokens"));
        Assert.Equal(Sum(one => one.Discarded), readings.Sum("specdecode.draft.discarded_tokens"));
        Assert.Equal(Sum(one => one.Corrections), readings.Sum("specdecode.corrections"));
        Assert.Equal(Sum(one => one.BonusTokens), readings.Sum("specdecode.bonus_tokens"));
        Assert.Equal(all.Sum(sequence => sequence.NewTokens.Length), readings.Sum("specdecode.output_tokens"));
        Assert.Equal(all.Sum(sequence => sequence.PromptLength), readings.Sum("specdecode.prompt_tokens"));
        for (int position = 0; position < 4; position++)
        {
            Assert.Equal(Sum(one => one.AcceptedPerPosition.ElementAtOrDefault(position)), readings.Sum("specdecode.draft.accepted_tokens", ("specdecode.draft.position", position)));
        }

        foreach (DraftReason reason in Enum.GetValues<DraftReason>())
        {
            Assert.Equal(Sum(one => one.Reasons.GetValueOrDefault(reason)), readings.Sum("specdecode.draft.decisions", ("specdecode.draft.reason", TelemetryNames.Of(reason))));
        }

        foreach (string strategy in (string[])["early-exit", "none"])
        {
            Sequence[] ofKind = [.. all.Where(sequence => ModelSetup.StrategyOf(sequence.Drafting) == strategy)];
            Assert.Equal(
                ofKind.Sum(sequence => sequence.Statistics.OutputTokens),
                readings.Sum("specdecode.requests.output_tokens", ("specdecode.draft.strategy", strategy)));
        }

        // Drafted, accepted and not, so that no line above compares nothing with nothing; and failures were those that were planted.
        Assert.True(readings.Sum("specdecode.draft.accepted_tokens") > 0 && readings.Sum("specdecode.draft.discarded_tokens") > 0);
        Assert.True(readings.Sum("specdecode.failed_passes") > 0);
        Assert.Equal(0, readings.Sum("specdecode.kv_cache.reserved") + readings.Sum("specdecode.kv_cache.used") + readings.Sum("specdecode.sequences.waiting"));
    }

    private sealed class Recorder(IEngineObserver inner) : IEngineObserver
    {
        public ConcurrentQueue<Sequence> Ended { get; } = [];

        public void OnStep(in StepRecord step) => inner.OnStep(step);

        public void OnRound(in RoundRecord round) => inner.OnRound(round);

        public void OnEnded(Sequence sequence)
        {
            inner.OnEnded(sequence);
            Ended.Enqueue(sequence);
        }

        public void OnPassFailed(Exception error) => inner.OnPassFailed(error);

        public void OnRefused(Exception error) => inner.OnRefused(error);
    }
}
