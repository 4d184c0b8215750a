using SpecDecode.Tests.Hosting;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.Diagnostics;

/// <summary>The series of a model's name when what serves under it changes.</summary>
[Collection(Alone.Name)]
public sealed class ReplacementTelemetryTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Counters_go_on_gauges_are_of_what_is_loaded_and_there_is_one_series_of_each()
    {
        using Collector collector = new();
        await using TestHost host = await TestHost.Started(("Runtime:KvCacheMegabytes", "7"));
        await host.Generator.CompleteAsync(TestHost.Request(10), Cancellation);
        await host.Catalog.ReplaceAsync("", options =>
        {
            options.Model.Name = "llama_base";
            options.Model.Path = "llama_tied_bias_f32";
            options.Runtime.KvCacheMegabytes = 5;
        }, Cancellation);
        await host.Generator.CompleteAsync(TestHost.Request(20), Cancellation);
        MetricReadings readings = collector.Read();
        Assert.Equal(30, readings.Sum("specdecode.output_tokens", ("gen_ai.request.model", "llama_base")));
        Assert.Equal(2, readings.Sum("specdecode.requests.ended", ("specdecode.finish_reason", "length")));
        Assert.Equal(5 << 20, readings.Sum("specdecode.kv_cache.limit"));
        Assert.Single(readings.Series("specdecode.output_tokens", "llama_base"));

        await host.Catalog.UnloadAsync("", Cancellation);
        readings = collector.Read();
        Assert.Equal(30, readings.Sum("specdecode.output_tokens", ("gen_ai.request.model", "llama_base")));
        Assert.Equal(0, readings.Sum("specdecode.kv_cache.limit"));
        Assert.Equal([0L], readings.Series("specdecode.model.info", "llama_base").Values);
        await host.Catalog.LoadAsync("", cancellationToken: Cancellation);
        await host.Generator.CompleteAsync(TestHost.Request(5), Cancellation);
        Assert.Equal(35, collector.Read().Sum("specdecode.output_tokens", ("gen_ai.request.model", "llama_base")));
    }
}
