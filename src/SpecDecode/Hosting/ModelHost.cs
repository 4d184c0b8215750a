using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SpecDecode.Diagnostics;
using SpecDecode.Generation;
using SpecDecode.Models;
using SpecDecode.Scheduling;

namespace SpecDecode.Hosting;

/// <summary>The life of one model in a host: loads and warms it up, keeps its defaults up to date, lets it finish, frees it.</summary>
internal sealed class ModelHost : IHostedService, IAsyncDisposable, IDisposable
{
    private readonly string _optionsName;
    private readonly string _place;
    private readonly IOptionsMonitor<SpecDecodeOptions> _monitor;
    private readonly ConfigurationWatch? _watch;
    private readonly IMeterFactory _meters;
    private readonly ILogger<ModelHost> _logger;
    private readonly string _contentRoot;

    // Never disposed: it has no timer, and whoever starts the host may cancel as late as it likes.
    private readonly CancellationTokenSource _abandoned = new();
    private Task _loading = Task.CompletedTask;
    private Task _engine = Task.CompletedTask;
    private volatile ServedModel? _model;
    private volatile Exception? _loadError;
    private volatile Thread? _loadingThread;
    private volatile bool _isStarted;
    private volatile bool _isStopping;
    private int _isDisposed;
    private string _name = "model";

    /// <summary>Makes a host for a model; nothing is read or loaded before <see cref="StartAsync"/>.</summary>
    public ModelHost(
        string optionsName, string place, IOptionsMonitor<SpecDecodeOptions> monitor, ConfigurationWatch? watch, IMeterFactory meters,
        ILogger<ModelHost> logger, string contentRoot)
    {
        _optionsName = optionsName;
        _place = place;
        _monitor = monitor;
        _watch = watch;
        _meters = meters;
        _logger = logger;
        _contentRoot = contentRoot;
    }

    /// <summary>Whether requests are answered.</summary>
    public bool IsReady => _model is { Generator.Loop.Fault: null } && !_isStopping;

    /// <summary>What is wrong for good, so that only a new start helps; null while nothing is.</summary>
    public Exception? Fault => _loadError ?? _model?.Generator.Loop.Fault;

    /// <summary>The generator.</summary>
    /// <exception cref="ModelNotReadyException">The model has not been loaded, or could not be.</exception>
    public TextGenerator Generator => _model?.Generator ?? throw new ModelNotReadyException(
        _loadError is { } error ? $"The model could not be loaded: {error.Message}"
        : _isStopping ? "The host stopped before the model was loaded: start it again."
        : _isStarted ? "The model is still being loaded: wait until the readiness check passes, or leave Runtime:LoadInBackground off."
        : "The model is loaded when the host starts: start the host first (IHost.StartAsync or RunAsync).",
        _loadError);

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _isDisposed) != 0, this);
        cancellationToken.ThrowIfCancellationRequested();
        _watch?.Note();
        SpecDecodeOptions options = _monitor.Get(_optionsName);
        string path = FullPath(options.Model.Path, nameof(options.Model.Path));
        if (options.Model.CacheFolder is { Length: > 0 } folder)
        {
            options.Model.CacheFolder = FullPath(folder, nameof(options.Model.CacheFolder));
        }

        _name = Path.GetFileName(Path.TrimEndingDirectorySeparator(path));
        _isStarted = true;
        _loading = Task.Run(() => Load(options, path), CancellationToken.None);
        if (options.Runtime.LoadInBackground)
        {
            // Nobody awaits it: what goes wrong is logged, and told by the checks and to callers.
            return;
        }

        using (cancellationToken.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _abandoned))
        {
            await _loading.ConfigureAwait(false);
        }

        if (_loadError is { } error)
        {
            throw error is SpecDecodeException ? error : new SpecDecodeException($"The model could not be loaded: {error.Message}", error);
        }

        if (_model is null)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new OperationCanceledException("The host stopped before the model was loaded.");
        }
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await AbandonLoading().ConfigureAwait(false);
        if (_model is { } model)
        {
            EngineLoop loop = model.Generator.Loop;
            _logger.Stopping(_name, loop.LiveCount + loop.WaitingCount);
            await model.StopAsync(cancellationToken).ConfigureAwait(false);
            if (loop.ShutDownCount > 0)
            {
                _logger.StoppedEarly(_name, loop.ShutDownCount);
            }

            _logger.Stopped(_name);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        await AbandonLoading().ConfigureAwait(false);
        if (_model is { } model)
        {
            await model.DisposeAsync().ConfigureAwait(false);
        }

        await _engine.ConfigureAwait(false);
    }

    /// <summary>As <see cref="DisposeAsync"/>, for containers that are disposed so.</summary>
    /// <exception cref="InvalidOperationException">It is called from inside the engine or the loading, by a logger or a listener, which it would wait for.</exception>
    public void Dispose()
    {
        if (_loadingThread == Thread.CurrentThread || _model is { Generator.Loop.IsCurrentThread: true })
        {
            throw new InvalidOperationException(
                "The host cannot be disposed of from inside a log entry or measurement of its own model, which it would wait for: do it from another thread.");
        }

        DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    private async Task AbandonLoading()
    {
        _isStopping = true;
        _watch?.Stop();
        await _abandoned.CancelAsync().ConfigureAwait(false);
        await _loading.ConfigureAwait(false);
    }

    private string FullPath(string path, string option)
    {
        try
        {
            return Path.GetFullPath(path, _contentRoot);
        }
        catch (ArgumentException error)
        {
            throw new SpecDecodeException($"{_place}Model:{option} is '{path.Replace("\0", "\\0", StringComparison.Ordinal)}', which is no path: name a folder.", error);
        }
    }

    // Never throws: what goes wrong is kept.
    private void Load(SpecDecodeOptions options, string path)
    {
        _loadingThread = Thread.CurrentThread;
        try
        {
            long start = Stopwatch.GetTimestamp();
            _logger.Loading(_name, path);
            LoadedModel loaded = ModelLoader.Load(
                path, options.Model, options.Runtime, warning => _logger.LoadWarning(_name, warning), progress: null, _abandoned.Token);
            ServedModel model = Serve(loaded, options);
            _model = model;
            _engine = WatchEngine(model.Generator.Loop);
            _logger.Ready(_name, Stopwatch.GetElapsedTime(start).TotalSeconds, model.Generator.Defaults.Drafting.ToString());
            _watch?.Start(Reload);
        }
        catch (OperationCanceledException) when (_abandoned.IsCancellationRequested)
        {
            // Nothing is wrong with the model: nobody wants it any more.
        }
        catch (Exception error)
        {
            _loadError = error;
            if (options.Runtime.LoadInBackground)
            {
                // Nobody waits for it who could tell. Where it is no sentence of ours, its trace may help.
                _logger.LoadFailed(_name, error.Message, error is SpecDecodeException ? null : error);
            }
        }
        finally
        {
            _loadingThread = null;
        }
    }

    private ServedModel Serve(LoadedModel loaded, SpecDecodeOptions options)
    {
        GenerationDefaults defaults;
        LoggingObserver observer;
        try
        {
            defaults = Defaults(options, loaded.Stages.LayerCount, loaded.Stages.DraftPrecision);
            observer = new LoggingObserver(new SpecDecodeMetrics(_meters, _name, () => _model?.Generator.Loop), _logger, _name);
        }
        catch
        {
            loaded.Dispose();
            throw;
        }

        return ServedModel.Start(loaded, _name, SchedulerLimits.Of(options.Runtime), options.Runtime.MaxQueue, defaults, observer);
    }

    private async Task WatchEngine(EngineLoop loop)
    {
        await loop.Ended.ConfigureAwait(false);
        if (loop.Fault is { } fault)
        {
            _logger.EngineFailed(_name, fault);
        }
    }

    private void Reload(Func<SpecDecodeOptions> read, bool needsRestart)
    {
        try
        {
            TextGenerator generator = Generator;
            GenerationDefaults defaults = Defaults(read(), generator.Model.LayerCount, generator.Model.DraftPrecision);
            if (defaults != generator.Defaults)
            {
                generator.Defaults = defaults;
                _logger.Reloaded(_name, defaults.Drafting.ToString());
            }
        }
        catch (Exception error)
        {
            _logger.ReloadRefused(_name, error.Message);
        }

        if (needsRestart)
        {
            _logger.RestartNeeded(_name);
        }
    }

    // By the model as it was loaded: what the options say of the model now holds when the host starts again.
    private GenerationDefaults Defaults(SpecDecodeOptions options, int layerCount, Precision? draftPrecision)
    {
        string place = _place + "Drafting:";
        bool hasDraftWeights = draftPrecision is not null;
        if (options.Drafting.Errors(hasDraftWeights).FirstOrDefault() is { } error)
        {
            throw new SpecDecodeException(place + error);
        }

        options.Drafting.Resolve(layerCount, hasDraftWeights, place);
        return new GenerationDefaults { MaxTokens = options.MaxTokens, Sampling = options.Sampling, Drafting = options.Drafting }.Copy();
    }
}
