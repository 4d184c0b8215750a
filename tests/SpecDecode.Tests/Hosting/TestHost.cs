using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Hosting;

namespace SpecDecode.Tests.Hosting;

/// <summary>A host with a tiny model of four layers and without a tokenizer, its configuration in memory, and a log that can be read.</summary>
internal sealed class TestHost : IAsyncDisposable
{
    private readonly Lazy<IHost> _host;
    private bool _isDisposed;

    public TestHost(params (string Key, string? Value)[] settings)
    {
        // Without defaults: neither files nor the environment of whoever runs the tests have a say.
        Builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true, ContentRootPath = TestFolders.Fixtures });
        Builder.Logging.AddProvider(Log);
        Builder.Configuration.AddInMemoryCollection(Settings(settings));
        _host = new Lazy<IHost>(() => Builder.Build());
    }

    public HostApplicationBuilder Builder { get; }

    public RecordedLog Log { get; } = new();

    public IHost Host => _host.Value;

    public IServiceProvider Services => Host.Services;

    public ITextGenerator Generator => Services.GetRequiredService<ITextGenerator>();

    public ModelCatalog Catalog => Services.GetRequiredService<ModelCatalog>();

    /// <summary>The model without a name.</summary>
    public ModelHost Model => Catalog.Require("");

    /// <summary>A request of a length.</summary>
    public static GenerationRequest Request(int maxTokens = 8) => new() { Tokens = [1, 2, 3], MaxTokens = maxTokens, IgnoreEndOfSequence = true };

    /// <summary>A host with the model of the section SpecDecode, which has been started.</summary>
    public static async Task<TestHost> Started(params (string Key, string? Value)[] settings)
    {
        TestHost host = new(settings);
        host.Builder.AddSpecDecode();
        await host.Host.StartAsync(TestContext.Current.CancellationToken);
        return host;
    }

    /// <summary>The least that a model needs, and what else is wanted, in the section SpecDecode.</summary>
    public static Dictionary<string, string?> Settings(params (string Key, string? Value)[] settings)
    {
        Dictionary<string, string?> all = new()
        {
            ["SpecDecode:Model:Path"] = "llama_base", ["SpecDecode:Model:CacheFolder"] = TestFolders.WeightCache,
        };
        foreach ((string key, string? value) in settings)
        {
            all[$"SpecDecode:{key}"] = value;
        }

        if (all["SpecDecode:Model:Path"] is not null && !all.Keys.Any(key => key.StartsWith("SpecDecode:Drafting:", StringComparison.Ordinal)))
        {
            // Tests that say nothing of drafts are about other things: plain decoding does the same in each run.
            all["SpecDecode:Drafting:Strategy"] = DraftingStrategy.None;
        }

        return all;
    }

    /// <summary>Changes the configuration, and tells everybody.</summary>
    public void Change(params (string Key, string? Value)[] settings)
    {
        foreach ((string key, string? value) in settings)
        {
            Builder.Configuration[$"SpecDecode:{key}"] = value;
        }

        ((IConfigurationRoot)Builder.Configuration).Reload();
    }

    /// <summary>What the check with a tag says.</summary>
    public async Task<HealthStatus> Health(string tag) =>
        (await Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(check => check.Tags.Contains(tag), TestContext.Current.CancellationToken)).Status;

    /// <summary>Listens to the time of each step, on the thread that steps.</summary>
    public MeterListener OnStep(Action action)
    {
        object factory = Services.GetRequiredService<IMeterFactory>();
        MeterListener listener = new()
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Scope == factory && instrument.Name == "specdecode.step.duration")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => action());
        listener.Start();
        return listener;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_isDisposed && _host.IsValueCreated)
        {
            _isDisposed = true;
            await ((IAsyncDisposable)Host).DisposeAsync();
        }
    }
}

/// <summary>What was logged.</summary>
internal sealed class RecordedLog : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<(int Id, LogLevel Level, string Message)> _entries = new();

    /// <summary>Told the id of each event of ours, before it is kept.</summary>
    public Action<int>? OnEvent { get; set; }

    public IEnumerable<string> Messages(int id) => _entries.Where(entry => entry.Id == id).Select(entry => entry.Message);

    public int Count(int id) => Messages(id).Count();

    public LogLevel Level(int id) => _entries.First(entry => entry.Id == id).Level;

    public ILogger CreateLogger(string categoryName) =>
        categoryName == typeof(ModelHost).FullName ? this : Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        OnEvent?.Invoke(eventId.Id);
        _entries.Enqueue((eventId.Id, logLevel, formatter(state, exception)));
    }

    public void Dispose()
    {
    }
}
