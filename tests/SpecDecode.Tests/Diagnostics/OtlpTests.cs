using System.Diagnostics;
using Google.Protobuf;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using SpecDecode.Calibration;
using SpecDecode.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Sampling;
using SpecDecode.Tests.Diagnostics.Otlp;
using SpecDecode.Tests.Tool;
using Exemplar = SpecDecode.Tests.Diagnostics.Otlp.Exemplar;
using Metric = SpecDecode.Tests.Diagnostics.Otlp.Metric;

namespace SpecDecode.Tests.Diagnostics;

/// <summary>What goes over the wire to a collector is what the table says: OpenTelemetry's own exporter sends it, and its messages are read here.</summary>
[Collection(Alone.Name)]
public sealed class OtlpTests
{
    // Of a search, and of a policy that chooses plans, which are not asked for here.
    private static readonly string[] NotThere = ["specdecode.search.expected_speedup", "specdecode.search.resting", "specdecode.draft.choice"];

    [Fact]
    public async Task Names_units_kinds_boundaries_and_attributes_are_those_of_the_table()
    {
        using OtlpReceiver receiver = new();
        using MeterProvider metrics = Sdk.CreateMeterProviderBuilder().AddSpecDecodeInstrumentation().SetExemplarFilter(ExemplarFilterType.TraceBased)
            .AddOtlpExporter(options => (options.Protocol, options.Endpoint) = (OtlpExportProtocol.HttpProtobuf, new Uri(receiver.Address, "v1/metrics"))).Build();
        using TracerProvider traces = Sdk.CreateTracerProviderBuilder().AddSpecDecodeInstrumentation().AddSource(Collector.Caller.Name)
            .AddOtlpExporter(options => (options.Protocol, options.Endpoint) = (OtlpExportProtocol.HttpProtobuf, new Uri(receiver.Address, "v1/traces"))).Build();
        await using HostedStory story = await HostedStory.StartAsync();
        using Activity caller = Collector.Caller.StartActivity("caller")!;
        GenerationResult result = await story.Generator.CompleteAsync(
            new GenerationRequest { Prompt = "Once upon a time", MaxTokens = 30, Sampling = new SamplingOptions { Temperature = 0.5f, Seed = 11 } }, TestContext.Current.CancellationToken);
        await story.Generator.CompleteAsync(new GenerationRequest { Prompt = "Once", MaxTokens = 5, Drafting = DraftingOptions.None }, TestContext.Current.CancellationToken);
        using CalibrationMetrics calibrations = new(HostedStory.ModelName);
        using CalibrationMetrics.Watched calibration = calibrations.Follow(null);
        calibration.Report(new CalibrationProgress(CalibrationPhase.Searching, CalibrationOptions.AllMethods[0], 3, TimeSpan.FromSeconds(1), 1.25));
        Assert.True(metrics.ForceFlush());
        Assert.True(traces.ForceFlush());

        ScopeMetrics sent = receiver.Metrics();
        Assert.Equal(InstrumentTable.All.Select(row => row.Name).Except(NotThere).Order(), sent.Metrics.Select(metric => metric.Name).Order());
        foreach (Metric metric in sent.Metrics)
        {
            InstrumentRow row = InstrumentTable.Of(metric.Name);
            Assert.Equal((row.Unit, row.Description), (metric.Unit, metric.Description));
            Assert.Equal(row.Kind, KindOf(metric));
            string[][] keys = [.. Attributes(metric).Select(point => point.Select(attribute => attribute.Key).ToArray())];
            Assert.NotEmpty(keys);
            Assert.All(keys, point => Assert.Contains("gen_ai.request.model", point));

            // A failure has its type, a plan its layers; else every attribute of the table is there.
            string[] expected = [.. row.Attributes.Where(attribute => !(attribute == "error.type" && row.Name != "specdecode.requests.refused")
                && attribute is not ("specdecode.draft.skip_attention" or "specdecode.draft.skip_mlp" or "specdecode.draft.cascade_exits" or "specdecode.draft.cascade_length" or "specdecode.draft.policy"))];
            Assert.Equal(expected.Append("gen_ai.request.model").Order(StringComparer.Ordinal), keys.SelectMany(point => point).Distinct().Order(StringComparer.Ordinal));
            if (row.Boundaries is { } boundaries)
            {
                Assert.All(metric.Histogram.DataPoints, point => Assert.Equal(boundaries, point.ExplicitBounds));
            }
        }

        // Values, not only names.
        Assert.Equal(result.Drafting.Drafted, Assert.Single(sent.Metrics.Single(metric => metric.Name == "specdecode.draft.drafted_tokens").Sum.DataPoints).AsInt);
        Assert.Equal(2ul, Assert.Single(sent.Metrics.Single(metric => metric.Name == "specdecode.queue.duration").Histogram.DataPoints).Count);

        Span[] spans = receiver.Spans();
        Assert.Equal(["decode", "decode", "prefill", "prefill", "queue", "queue", "text_completion tales-10m", "text_completion tales-10m"], spans.Select(span => span.Name).Order(StringComparer.Ordinal));
        string page = await File.ReadAllTextAsync(Path.Combine(TestFolders.Repository, "docs", "telemetry.md"), TestContext.Current.CancellationToken);
        Assert.All(
            spans.SelectMany(span => span.Attributes).Select(attribute => attribute.Key).Distinct(),
            key => Assert.True(page.Contains($"`{key}`", StringComparison.Ordinal) || page.Contains($"`.{key.Split('.')[^1]}`", StringComparison.Ordinal), $"{key} is not on the page."));

        // Exemplars lead to these spans.
        Exemplar[] exemplars = [.. sent.Metrics.Single(metric => metric.Name == "gen_ai.server.request.duration").Histogram.DataPoints.SelectMany(point => point.Exemplars)];
        Assert.NotEmpty(exemplars);
        HashSet<ByteString> known = [.. spans.Where(span => span.Name.StartsWith("text_completion", StringComparison.Ordinal)).Select(span => span.SpanId)];
        Assert.All(exemplars, exemplar => Assert.Contains(exemplar.SpanId, known));
    }

    private static InstrumentKind KindOf(Metric metric) => metric.DataCase switch
    {
        Metric.DataOneofCase.Histogram => InstrumentKind.Histogram,
        Metric.DataOneofCase.Gauge => InstrumentKind.Gauge,
        _ when !metric.Sum.IsMonotonic => InstrumentKind.UpDown,
        _ when metric.Sum.DataPoints[0].ValueCase == NumberDataPoint.ValueOneofCase.AsDouble => InstrumentKind.TimeCounter,
        _ => InstrumentKind.Counter,
    };

    private static IEnumerable<IEnumerable<KeyValue>> Attributes(Metric metric) => metric.DataCase switch
    {
        Metric.DataOneofCase.Histogram => metric.Histogram.DataPoints.Select(point => point.Attributes),
        Metric.DataOneofCase.Gauge => metric.Gauge.DataPoints.Select(point => point.Attributes),
        _ => metric.Sum.DataPoints.Select(point => point.Attributes),
    };
}
