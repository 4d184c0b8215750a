using System.Collections.Frozen;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using SpecDecode.Generation;
using SpecDecode.Hosting;
using SpecDecode.Sequences;
using SpecDecode.Tests.Generation;

namespace SpecDecode.Tests.Hosting;

/// <summary>Alive and ready, from before the start until after the end.</summary>
public class HealthCheckTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ready_is_the_time_between_the_end_of_the_start_and_the_stop()
    {
        await using TestHost host = WithChecks(new TestHost());
        await AssertHealth(host, live: true, ready: false);
        Assert.Equal("The model is not loaded", await Text(host));
        await host.Host.StartAsync(Cancellation);
        await AssertHealth(host, live: true, ready: true);
        await host.Host.StopAsync(Cancellation);
        await AssertHealth(host, live: true, ready: false);
        Assert.Equal("The model llama_base is not ready: the host stops", await Text(host));
    }

    [Fact]
    public async Task A_model_that_loads_in_the_background_lets_the_host_start_and_is_ready_later()
    {
        await using TestHost host = WithChecks(new TestHost(("Runtime:LoadInBackground", "true")));
        using ManualResetEventSlim loading = new();
        host.Log.OnEvent = id => WaitWhileLoading(id, loading);
        await host.Host.StartAsync(Cancellation);
        await AssertHealth(host, live: true, ready: false);
        Assert.StartsWith(
            "The model is still being loaded: wait until the readiness check passes", Assert.Throws<ModelNotReadyException>(() => host.Generator.Model).Message, StringComparison.Ordinal);

        loading.Set();
        await ScriptedService.Eventually(() => host.Model.IsReady);
        await AssertHealth(host, live: true, ready: true);
        Assert.Equal(8, (await host.Generator.CompleteAsync(TestHost.Request(), Cancellation)).Tokens.Count);
    }

    [Fact]
    public async Task A_load_in_the_background_that_fails_is_logged_and_told_by_both_checks_and_to_callers()
    {
        await using TestHost host = WithChecks(new TestHost(("Runtime:LoadInBackground", "true"), ("Model:Path", "nowhere")));
        await host.Host.StartAsync(Cancellation);
        await ScriptedService.Eventually(() => host.Log.Count(4) > 0);
        await AssertHealth(host, live: false, ready: false);
        Assert.StartsWith("The model nowhere has failed: ", await Text(host), StringComparison.Ordinal);
        Assert.Contains("nowhere", Assert.Single(host.Log.Messages(4)), StringComparison.Ordinal);
        ModelNotReadyException error = Assert.Throws<ModelNotReadyException>(() => host.Generator.GenerateAsync(TestHost.Request(), Cancellation));
        Assert.StartsWith("The model could not be loaded: ", error.Message, StringComparison.Ordinal);
        Assert.Contains("does not exist", error.Message, StringComparison.Ordinal);
        Assert.IsType<SpecDecodeException>(error.InnerException, exactMatch: false);
        await host.Host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task A_host_that_stops_while_it_loads_is_alive_to_the_end_and_serves_nothing()
    {
        await using TestHost host = WithChecks(new TestHost(("Runtime:LoadInBackground", "true")));
        using ManualResetEventSlim loading = new();
        host.Log.OnEvent = id => WaitWhileLoading(id, loading);
        await host.Host.StartAsync(Cancellation);
        Task stopping = host.Host.StopAsync(Cancellation);
        Assert.False(stopping.IsCompleted);
        await AssertHealth(host, live: true, ready: false);
        loading.Set();
        await stopping;
        await AssertHealth(host, live: true, ready: false);
        Assert.Equal((0, 0), (host.Log.Count(2), host.Log.Count(4)));
        Assert.StartsWith("The host stopped before", Assert.Throws<ModelNotReadyException>(() => host.Generator.Model).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_engine_that_has_failed_is_neither_alive_nor_ready_and_is_logged()
    {
        await using TestHost host = WithChecks(new TestHost(("Runtime:KvCacheMegabytes", "1")));
        await host.Host.StartAsync(Cancellation);

        // No request gets past the checks that could do this: a sequence that never fits.
        EngineLoop loop = host.Model.Generator.Loop;
        loop.Submit([new Sequence([1], 1 << 20, FrozenSet<int>.Empty, null)], new AsyncSignal());
        await loop.Ended;
        await AssertHealth(host, live: false, ready: false);
        SpecDecodeException error = await Assert.ThrowsAsync<SpecDecodeException>(() => host.Generator.CompleteAsync(TestHost.Request(), Cancellation));
        Assert.StartsWith("The engine has failed and cannot go on: ", error.Message, StringComparison.Ordinal);
        await ScriptedService.Eventually(() => host.Log.Count(14) == 1);
        await host.Host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task A_check_of_a_model_that_is_not_there_says_so()
    {
        await using TestHost host = new();
        host.Builder.Services.AddHealthChecks().AddSpecDecode("b");
        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => host.Health(SpecDecodeRegistration.LiveTag));
        Assert.Equal("There is a health check of a model of the name 'b', but no such model: add it with services.AddSpecDecode.", error.Message);
    }

    private static TestHost WithChecks(TestHost host)
    {
        host.Builder.AddSpecDecode();
        host.Builder.Services.AddHealthChecks().AddSpecDecode();
        return host;
    }

    // What the readiness check says.
    private static async Task<string?> Text(TestHost host) => (await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(
        check => check.Tags.Contains(SpecDecodeRegistration.ReadyTag), Cancellation)).Entries.Values.Single().Description;

    private static void WaitWhileLoading(int id, ManualResetEventSlim loading)
    {
        if (id == 1)
        {
            loading.Wait(TestContext.Current.CancellationToken);
        }
    }

    private static async Task AssertHealth(TestHost host, bool live, bool ready) => Assert.Equal(
        (live ? HealthStatus.Healthy : HealthStatus.Unhealthy, ready ? HealthStatus.Healthy : HealthStatus.Unhealthy),
        (await host.Health(SpecDecodeRegistration.LiveTag), await host.Health(SpecDecodeRegistration.ReadyTag)));
}
