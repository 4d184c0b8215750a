using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using SpecDecode.Hosting;

namespace SpecDecode.Tests.Hosting;

/// <summary>How far the loading of a model is, in the log, in the state of the catalog and in the check's text.</summary>
public class LoadProgressTests
{
    [Fact]
    public void It_is_logged_at_intervals_and_kept_always()
    {
        RecordedLog log = new();
        SetTime time = new();
        LoadProgressLog progress = new(log, "tales", time);
        foreach ((double second, LoadPhase phase, double share) in ((double, LoadPhase, double)[])[
            (0, LoadPhase.CheckingWeights, 0.5), (4.9, LoadPhase.PreparingWeights, 0.1), (5, LoadPhase.PreparingWeights, 0.2), (9.9, LoadPhase.PreparingWeights, 0.3),
            (10, LoadPhase.WaitingForAnotherProcess, 0), (17, LoadPhase.CreatingStages, 0.75)])
        {
            time.Seconds = second;
            progress.Report(new LoadProgress(phase, share));
            Assert.Equal(new LoadProgress(phase, share), progress.Latest);
        }

        Assert.Equal(
            [
                "The model tales is being loaded: preparing weights, 20 %",
                "The model tales is being loaded: waiting for another process that prepares the same weights",
                "The model tales is being loaded: creating stages, 75 %",
            ],
            log.Messages(16));
    }

    [Fact]
    public async Task The_check_and_the_catalog_say_how_far_it_is()
    {
        await using TestHost host = new(("Runtime:LoadInBackground", "true"));
        host.Builder.AddSpecDecode();
        host.Builder.Services.AddHealthChecks().AddSpecDecode();
        using ManualResetEventSlim reached = new();
        using ManualResetEventSlim loading = new();

        // Told when the stages are there and the model's limits are known, so that progress has been told before.
        host.Log.OnEvent = id =>
        {
            if (id == 15)
            {
                reached.Set();
                loading.Wait(TestContext.Current.CancellationToken);
            }
        };
        await host.Host.StartAsync(TestContext.Current.CancellationToken);
        reached.Wait(TestContext.Current.CancellationToken);
        HealthReport report = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(TestContext.Current.CancellationToken);
        Assert.Equal("The model llama_base is being loaded: creating stages, 100 %", report.Entries["specdecode-ready"].Description);
        Assert.Equal("llama_base: loading (creating stages, 100 %)", Assert.Single(host.Catalog.Models).ToString());
        loading.Set();
        await host.Generator.WhenReadyAsync(TestContext.Current.CancellationToken);
        Assert.Null(Assert.Single(host.Catalog.Models).Progress);
    }

    [Fact]
    public async Task A_model_that_answers_is_not_being_loaded_any_more()
    {
        await using TestHost host = new(("Runtime:LoadInBackground", "true"));
        host.Builder.AddSpecDecode();
        ModelStatus? told = null;

        // Told by the loading thread when the model answers, just before it ends.
        host.Log.OnEvent = id => told = id == 2 ? Assert.Single(host.Catalog.Models) : told;
        await host.Host.StartAsync(TestContext.Current.CancellationToken);
        await host.Generator.WhenReadyAsync(TestContext.Current.CancellationToken);
        await host.Host.StopAsync(TestContext.Current.CancellationToken);
        Assert.Equal("llama_base: ready", told?.ToString());
        Assert.Null(told?.Progress);
    }
}
