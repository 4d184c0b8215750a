using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SpecDecode.Generation;
using SpecDecode.Hosting;

namespace SpecDecode.Tests.Diagnostics;

/// <summary>The story model in a host that listens to it.</summary>
internal sealed class HostedStory : IAsyncDisposable
{
    public const string ModelName = "tales-10m";

    private readonly IHost _host;

    private HostedStory(IHost host, Collector collector)
    {
        _host = host;
        Collector = collector;
    }

    public Collector Collector { get; }

    public ITextGenerator Generator => _host.Services.GetRequiredService<ITextGenerator>();

    public IServiceProvider Services => _host.Services;

    public static async Task<HostedStory> StartAsync(Action<SpecDecodeOptions>? configure = null, Action<IServiceCollection>? add = null)
    {
        Collector collector = new();
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.ClearProviders();
        builder.AddSpecDecode(options =>
        {
            options.Model.Path = TestFolders.StoryModel;
            options.Model.CacheFolder = TestFolders.WeightCache;
            options.Drafting.Strategy = "early-exit";
            options.Drafting.ExitLayer = 2;
            configure?.Invoke(options);
        });
        add?.Invoke(builder.Services);
        HostedStory story = new(builder.Build(), collector);
        await story._host.StartAsync(TestContext.Current.CancellationToken);
        return story;
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync(CancellationToken.None);
        _host.Dispose();
        Collector.Dispose();
    }
}
