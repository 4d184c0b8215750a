using SpecDecode.Calibration;
using SpecDecode.Diagnostics;
using SpecDecode.Generation;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.Diagnostics;

/// <summary>What a calibration tells while it runs, and what is left of it.</summary>
[Collection(Alone.Name)]
public sealed class CalibrationMetricsTests
{
    private const string Tried = "specdecode.calibration.tried";
    private const string Time = "specdecode.calibration.time";
    private const string Running = "specdecode.calibration.running";
    private const string Best = "specdecode.calibration.expected_speedup";
    private const string Method = "specdecode.calibration.method";
    private const string Phase = "specdecode.calibration.phase";

    private static readonly string[] Phases = ["writing", "timing", "searching", "judging", "measuring"];

    [Fact]
    public void A_calibration_of_the_story_model_tells_what_it_does_and_its_counters_are_those_of_its_report()
    {
        using Collector collector = new();
        using TextModel model = PlainModel.Load(TestFolders.StoryModel, new ModelOptions { CacheFolder = TestFolders.WeightCache }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.DoesNotContain(Tried, collector.Read().Names);
        HashSet<string> seen = [];
        Told told = new(progress =>
        {
            MetricReadings now = collector.Read();
            string phase = Assert.Single(Phases, name => IsRunning(now, name));
            Assert.Equal(progress.Phase.ToString(), phase, ignoreCase: true);
            seen.Add(phase);
            if (progress.Method is { } method)
            {
                Assert.Equal(progress.Done, now.Sum(Tried, (Method, method)));
            }
        });
        CalibrationOptions options = new() { Budget = TimeSpan.FromSeconds(3), MaxTokens = 24, Methods = ["exits", "even"] };
        GenerationRequest[] prompts = [.. new[] { "Once upon a time", "The dog", "A bird", "One day" }.Select(prompt => new GenerationRequest { Prompt = prompt })];
        CalibrationReport report = model.Calibrate(prompts, options, told, TestContext.Current.CancellationToken);
        Assert.Equal(Phases.Order(), seen.Order());

        MetricReadings readings = collector.Read();
        Assert.Equal(["tales-10m"], readings.Values(Tried, "gen_ai.request.model"));
        Assert.All(report.Methods, method => Assert.Equal(method.Tried, readings.Sum(Tried, (Method, method.Name))));
        Assert.Equal(report.Tried.Count, readings.Sum(Tried));
        Assert.All(Phases, phase => Assert.False(IsRunning(readings, phase)));
        Assert.All(Phases, phase => Assert.True(readings.Seconds(Time, (Phase, phase)) > 0, phase));
        Assert.All(report.Methods, method => Assert.Equal(
            report.Tried.Where(plan => plan.Method == method.Name).Max(plan => plan.ExpectedSpeedup), readings.GaugeOf(Best, (Method, method.Name)), 9));

        // A second one counts on, and says of its own methods alone what it expects.
        CalibrationReport second = model.Calibrate(prompts, options with { Methods = ["even"] }, null, TestContext.Current.CancellationToken);
        MetricReadings after = collector.Read();
        Assert.Equal(report.Tried.Count + second.Tried.Count, after.Sum(Tried));
        Assert.Equal(["even"], after.Values(Best, Method));
    }

    [Fact]
    public void Every_method_and_phase_is_there_at_zero_from_the_beginning()
    {
        using Collector collector = new();
        using (CalibrationMetrics metrics = new("calibrated"))
        {
            MetricReadings readings = collector.Read();
            Assert.Equal(CalibrationOptions.AllMethods.Order(), readings.Values(Tried, Method).Cast<string>().Order());
            Assert.Equal(0, readings.Sum(Tried));
            Assert.Equal(Phases, readings.Values(Time, Phase));
            Assert.Equal(Phases, readings.Values(Running, Phase));
            Assert.DoesNotContain(Best, readings.Names);
        }

        Assert.DoesNotContain(Tried, collector.Read().Names);
    }

    private static bool IsRunning(MetricReadings readings, string phase) => readings.Series(Running, "tales-10m")[$"{Phase}={phase}"] == 1;

    private sealed class Told(Action<CalibrationProgress> report) : IProgress<CalibrationProgress>
    {
        public void Report(CalibrationProgress value) => report(value);
    }
}
