using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using SpecDecode.Generation;

namespace SpecDecode.Hosting;

/// <summary>All models of a host, and their life with it: checked before anything starts, loaded one after the other, stopped together.</summary>
/// <param name="services">What the models take from the host.</param>
/// <param name="shutdownTimeout">How long the host may take to stop.</param>
internal sealed class ModelCatalog(ModelHostServices services, TimeSpan shutdownTimeout) : IModelCatalog, IHostedLifecycleService, IAsyncDisposable, IDisposable
{
    // What is left of the host's time for servers to send the ends of texts to their clients.
    private static readonly TimeSpan TimeForLastWords = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, ModelHost> _hosts = new(StringComparer.OrdinalIgnoreCase);
    private Dictionary<string, SpecDecodeOptions>? _checked;
    private volatile bool _hasStarted;
    private volatile bool _isStopping;

    /// <inheritdoc/>
    public IReadOnlyList<ModelStatus> Models => [.. Hosts.Select(host => host.Status)];

    /// <summary>Every key's host, whether anything is loaded or not.</summary>
    public IReadOnlyList<ModelHost> Hosts
    {
        get
        {
            foreach (string key in services.Options.Keys)
            {
                Host(key);
            }

            return [.. _hosts.Values.Where(IsThere).OrderBy(host => host.Key, StringComparer.OrdinalIgnoreCase)];
        }
    }

    /// <summary>The host of a key; null where there are no options for it and there never were.</summary>
    public ModelHost? Find(string key) => _hosts.TryGetValue(key, out ModelHost? host) && IsThere(host) ? host : services.Options.Has(key) ? Host(key) : null;

    /// <summary>The host of a key.</summary>
    /// <exception cref="ModelNotFoundException">There is no such model.</exception>
    public ModelHost Require(string key) => Find(key) ?? throw NotFound(key);

    /// <inheritdoc/>
    public ITextGenerator GetGenerator(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return Require(key).TextGenerator;
    }

    /// <inheritdoc/>
    public bool TryGetGenerator(string key, [NotNullWhen(true)] out ITextGenerator? generator)
    {
        ArgumentNullException.ThrowIfNull(key);
        generator = Find(key)?.TextGenerator;
        return generator is not null;
    }

    /// <inheritdoc/>
    public Task LoadAsync(string key, Action<SpecDecodeOptions>? configure = null, CancellationToken cancellationToken = default) =>
        Change(key, configure, host => host.LoadAsync(configure, cancellationToken));

    /// <inheritdoc/>
    public Task ReplaceAsync(string key, Action<SpecDecodeOptions>? configure = null, CancellationToken cancellationToken = default) =>
        Change(key, configure, host => host.ReplaceAsync(configure, cancellationToken));

    /// <inheritdoc/>
    public Task UnloadAsync(string key, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        return Require(key).UnloadAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        _checked = Check();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        Dictionary<string, SpecDecodeOptions> options = _checked ?? Check();
        _checked = null;
        services.Expected = options.Count;
        foreach (ModelHost host in options.Keys.Select(Host).ToArray())
        {
            await host.StartAsync(options[host.Key], cancellationToken).ConfigureAwait(false);
        }

        services.Expected = 0;

        // Those that were asked for and are none of them may be loaded from now on.
        _hasStarted = true;
        foreach (ModelHost host in _hosts.Values)
        {
            host.HasStarted();
        }
    }

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Stops the models before servers close their connections, so that every text that is read ends with its reason.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource time = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (shutdownTimeout > TimeSpan.Zero)
        {
            TimeSpan last = TimeSpan.FromTicks(Math.Min(TimeForLastWords.Ticks, shutdownTimeout.Ticks / 2));
            time.CancelAfter(TimeSpan.FromMilliseconds(Math.Min(int.MaxValue, (shutdownTimeout - last).TotalMilliseconds)));
        }

        await StopAsync(time.Token).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _isStopping = true;
        await Task.WhenAll(_hosts.Values.Select(host => host.StopAsync(cancellationToken))).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _isStopping = true;
        foreach (ModelHost host in _hosts.Values)
        {
            await host.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>As <see cref="DisposeAsync"/>, for containers that are disposed so.</summary>
    /// <exception cref="InvalidOperationException">It is called from inside an engine or a loading, by a logger or a listener, which it would wait for.</exception>
    public void Dispose()
    {
        if (_hosts.Values.Any(host => host.HasCurrentThread))
        {
            throw new InvalidOperationException(
                "The host cannot be disposed of from inside a log entry or measurement of its own model, which it would wait for: do it from another thread.");
        }

        DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    // A key that nothing ever stood under is none, though somebody tried.
    private bool IsThere(ModelHost host) => host.Status.Name is not null || services.Options.Has(host.Key);

    private ModelHost Host(string key)
    {
        ModelHost host = _hosts.GetOrAdd(key, key => new ModelHost(services, key) { CameLater = _hasStarted });
        if (_hasStarted)
        {
            host.HasStarted();
        }

        return host;
    }

    private async Task Change(string key, Action<SpecDecodeOptions>? configure, Func<ModelHost, Task> change)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (_isStopping)
        {
            throw ModelLoads.Closed();
        }

        if (!_hasStarted && !_hosts.ContainsKey(key))
        {
            throw new InvalidOperationException("The host has not started: start it first.");
        }

        ModelHost host = configure is null ? Require(key) : Host(key);
        if (_isStopping)
        {
            // It may have come too late to be stopped with the others.
            await host.DisposeAsync().ConfigureAwait(false);
            throw ModelLoads.Closed();
        }

        await change(host).ConfigureAwait(false);
    }

    private Dictionary<string, SpecDecodeOptions> Check()
    {
        Dictionary<string, SpecDecodeOptions> options = new(StringComparer.OrdinalIgnoreCase);
        List<string> errors = [.. services.Options.FindErrors()];
        foreach (string key in services.Options.Keys)
        {
            try
            {
                options.Add(key, services.Options.Read(key, null));
            }
            catch (OptionsValidationException error)
            {
                errors.AddRange(error.Failures);
            }
        }

        errors.AddRange(ModelNames.FindErrors(options.Select(pair => (pair.Key, services.Options.Place(pair.Key), pair.Value))));
        return errors.Count == 0 ? options : throw new OptionsValidationException(Options.DefaultName, typeof(SpecDecodeOptions), errors);
    }

    private ModelNotFoundException NotFound(string key)
    {
        string[] there = [.. Hosts.Where(host => host.Key.Length > 0).Select(host => $"'{host.Key}'")];
        string which = key.Length == 0 ? "There is no model without a name" : $"There is no model of the name '{(key.Length <= 100 ? key : key[..100] + "…")}'";
        return new ModelNotFoundException(there.Length == 0 ? $"{which}." : $"{which}: there {(there.Length == 1 ? "is" : "are")} {string.Join(", ", there)}.");
    }
}
