using System.Diagnostics;
using SpecDecode.Generation;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.Diagnostics;

/// <summary>What is told of requests whose callers leave, with an engine that is held in the middle of a step.</summary>
[Collection(Alone.Name)]
public sealed class CancellationTelemetryTests : IDisposable
{
    private const int HeldPass = 6;

    private readonly Collector _collector = new();
    private readonly ScriptedEngine _engine = new(metrics => metrics, maxSequences: 1);
    private readonly ManualResetEventSlim _isHeld = new();
    private readonly ManualResetEventSlim _release = new();

    public CancellationTelemetryTests() => _engine.Stages.DuringCall = (pass, call) =>
    {
        if (pass == HeldPass && call == 0)
        {
            _isHeld.Set();
            _release.Wait(TimeSpan.FromSeconds(60));
        }
    };

    public void Dispose()
    {
        _release.Set();
        _engine.Dispose();
        _collector.Dispose();
        _isHeld.Dispose();
        _release.Dispose();
    }

    [Fact]
    public async Task A_request_whose_caller_leaves_has_a_span_that_is_cancelled_and_no_error()
    {
        int seen = 0;
        await foreach (GenerationUpdate update in _engine.Generator.GenerateAsync(ScriptedEngine.Request(100), TestContext.Current.CancellationToken))
        {
            if (++seen == 3)
            {
                Assert.True(_isHeld.Wait(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
                break;
            }
        }

        Activity span = Assert.Single(_collector.RequestSpans());
        Assert.Equal(ActivityStatusCode.Unset, span.Status);
        Assert.Null(span.GetTagItem("error.type"));
        Assert.Equal(new[] { "cancelled" }, span.GetTagItem("gen_ai.response.finish_reasons"));
        Assert.Equal(HeldPass - 1, span.GetTagItem("gen_ai.usage.output_tokens"));
    }

    [Fact]
    public async Task Gauges_tell_who_is_worked_on_and_who_waits_and_are_back_at_zero_when_both_have_left()
    {
        using CancellationTokenSource cancellation = new();
        Task<GenerationResult> running = _engine.Generator.CompleteAsync(ScriptedEngine.Request(100), cancellation.Token);
        Assert.True(_isHeld.Wait(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
        Task<GenerationResult> waiting = _engine.Generator.CompleteAsync(ScriptedEngine.Request(100), cancellation.Token);

        MetricReadings during = _collector.Read();
        Assert.Equal(1, during.Sum("specdecode.sequences.live"));
        Assert.Equal(1, during.Sum("specdecode.sequences.waiting"));
        Assert.Equal(_engine.Stages.Pages.BytesOf(103), during.Sum("specdecode.kv_cache.reserved"));

        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        _release.Set();
        MetricReadings after = await _collector.ReadUntil(readings => readings.Count("gen_ai.server.request.duration") == 2);
        Assert.Equal(0, after.Sum("specdecode.sequences.live"));
        Assert.Equal(0, after.Sum("specdecode.kv_cache.reserved"));
        await _collector.ReadUntil(readings => readings.Sum("specdecode.sequences.waiting") == 0);

        // Both have waited, one of them until it gave up; one has written, and neither is an answer.
        Assert.Equal(2, after.Count("gen_ai.server.request.duration", ("specdecode.finish_reason", "cancelled")));
        Assert.Equal([null], after.Values("gen_ai.server.request.duration", "error.type"));
        Assert.Equal(2, after.Count("specdecode.queue.duration"));
        Assert.Equal(2, after.Sum("specdecode.requests.ended", ("specdecode.finish_reason", "cancelled")));
        Assert.Equal(0, after.Count("gen_ai.server.time_to_first_token") + after.Count("gen_ai.server.time_per_output_token"));

        // The verifying pass that ran when they left was finished, and its token counts.
        Assert.Equal(HeldPass, after.Sum("specdecode.output_tokens"));
        Assert.Equal(HeldPass - 1, after.Sum("specdecode.rounds"));
    }
}
