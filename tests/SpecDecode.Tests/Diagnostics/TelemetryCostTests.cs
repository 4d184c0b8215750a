using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using SpecDecode.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.Diagnostics;

/// <summary>What telemetry costs for each token; alone, since whatever listens in the process would be heard here.</summary>
[Collection(Alone.Name)]
public sealed class TelemetryCostTests : IDisposable
{
    private const int Repetitions = 2000;

    private static readonly RoundRecord Round = new()
    {
        Drafted = 4, Evaluated = 4, Accepted = 3, Appended = 4, VerifierToken = TokenSource.Correction, DraftRows = 4, VerifyRows = 5,
        DraftTime = TimeSpan.FromMilliseconds(1), VerifyTime = TimeSpan.FromMilliseconds(2),
    };

    private static readonly StepRecord Step = new()
    {
        Sequences = 1, DraftRows = 4, VerifyRows = 5, OutputTokens = 4, PromptRows = 1, FailedPasses = 1, DraftTime = TimeSpan.FromMilliseconds(1),
        VerifyTime = TimeSpan.FromMilliseconds(2), Time = TimeSpan.FromMilliseconds(3),
    };

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly SpecDecodeMetrics _metrics;
    private readonly Sequence _sequence = new([1, 2], 3, new HashSet<int>(), null);

    public TelemetryCostTests()
    {
        _metrics = new SpecDecodeMetrics(_services.GetRequiredService<IMeterFactory>(), "cost", () => null, () => null, []);
        _sequence.Cancel();
    }

    public void Dispose() => _services.Dispose();

    [Fact]
    public void Without_a_listener_steps_rounds_and_ends_allocate_nothing() => Assert.Equal(0, Allocated(Tell));

    [Fact]
    public void With_a_listener_this_library_allocates_nothing_either()
    {
        long measurements = 0;
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == SpecDecodeTelemetry.MeterName)
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, _, _, _) => measurements++);
        listener.SetMeasurementEventCallback<int>((_, _, _, _) => measurements++);
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => measurements++);
        listener.Start();

        Assert.Equal(0, Allocated(Tell));
        Assert.True(measurements >= 6L * Repetitions, "The listener hears all of it.");

        // Counters say what they have counted when they are asked.
        measurements = 0;
        listener.RecordObservableInstruments();
        Assert.True(measurements >= 15, "The listener hears the counters.");
    }

    [Fact]
    public void With_opentelemetry_a_round_allocates_nothing_once_its_attributes_are_known()
    {
        using Collector collector = new();
        Assert.Equal(0, Allocated(Tell));
        MetricReadings readings = collector.Read();
        Assert.Equal(readings.Sum("specdecode.rounds"), readings.Sum("specdecode.draft.accepted_tokens", ("specdecode.draft.position", 2)));
    }

    [Fact]
    public void Without_a_listener_no_span_is_made_and_nothing_allocated()
    {
        Activity? made = null;
        long allocated = Allocated(() =>
        {
            made ??= RequestActivity.Start("cost", Precision.Fp32, null, _sequence);
            RequestActivity.Leave(made, 1);
        });
        Assert.Null(made);
        Assert.Equal(0, allocated);
    }

    [Fact]
    public void A_span_that_nobody_samples_is_not_made()
    {
        using ActivityListener listener = new()
        {
            ShouldListenTo = source => source.Name == SpecDecodeTelemetry.ActivitySourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> options) =>
                options.Tags!.Any(tag => tag is { Key: "gen_ai.request.max_tokens", Value: 3 }) ? ActivitySamplingResult.None : ActivitySamplingResult.AllData,
        };
        ActivitySource.AddActivityListener(listener);
        Assert.Null(RequestActivity.Start("cost", Precision.Fp32, null, _sequence));
        using Activity? other = RequestActivity.Start("cost", Precision.Fp32, null, new Sequence([1], 4, new HashSet<int>(), null));
        Assert.NotNull(other);
    }

    private void Tell()
    {
        _metrics.OnRound(Round);
        _metrics.OnStep(Step);
        _metrics.OnEnded(_sequence);
    }

    private static long Allocated(Action action)
    {
        for (int i = 0; i < Repetitions; i++)
        {
            action();
        }

        return AllocatedBytes.EachTime(() =>
        {
            for (int i = 0; i < Repetitions; i++)
            {
                action();
            }
        });
    }
}
