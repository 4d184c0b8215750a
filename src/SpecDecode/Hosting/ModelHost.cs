using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SpecDecode.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Models;
using SpecDecode.Scheduling;

namespace SpecDecode.Hosting;

/// <summary>The life of one model in a host: loads and warms it up, keeps its defaults up to date, lets it finish, frees it.</summary>
internal sealed class ModelHost : IHostedService, IAsyncDisposable, IDisposable
{
    private readonly string _optionsName;
    private readonly IOptionsMonitor<SpecDecodeOptions> _monitor;
    private readonly ConfigurationWatch? _watch;
    private readonly IMeterFactory _meters;
    private readonly ILogger<ModelHost> _logger;
    private readonly string _contentRoot;
    private readonly CancellationTokenSource _abandoned = new();
    private Task _loading = Task.CompletedTask;
    private ServedModel? _model;
    private Exception? _loadError;
    private bool _isStarted;
    private bool _isStopping;
    private int _isDisposed;
    private string _name = "model";

    /// <summary>Makes a host for a model; nothing is read or loaded before <see cref="StartAsync"/>.</summary>
    public ModelHost(
        string optionsName, IOptionsMonitor<SpecDecodeOptions> monitor, ConfigurationWatch? watch, IMeterFactory meters,
        ILogger<ModelHost> logger, string contentRoot)
    {
        _optionsName = optionsName;
        _monitor = monitor;
        _watch = watch;
        _meters = meters;
        _logger = logger;
        _contentRoot = contentRoot;
    }

    /// <summary>Whether requests are answered.</summary>
    public bool IsReady => Volatile.Read(ref _model) is { Generator.Loop.Fault: null } && !_isStopping;

    /// <summary>What is wrong for good, so that only a new start helps; null while nothing is.</summary>
    public Exception? Fault => _loadError ?? Volatile.Read(ref _model)?.Generator.Loop.Fault;

    /// <summary>The generator.</summary>
    /// <exception cref="ModelNotReadyException">The model has not been loaded, or could not be.</exception>
    public TextGenerator Generator => Volatile.Read(ref _model)?.Generator ?? throw new ModelNotReadyException(
        _loadError is { } error ? $"The model could not be loaded: {error.Message}"
        : _isStarted ? "The model is still being loaded: wait until the readiness check passes, or leave Runtime:LoadInBackground off."
        : "The model is loaded when the host starts: start the host first (IHost.StartAsync or RunAsync).",
        _loadError);

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        SpecDecodeOptions options = _monitor.Get(_optionsName);
        string path = Path.GetFullPath(options.Model.Path, _contentRoot);
        _name = Path.GetFileName(Path.TrimEndingDirectorySeparator(path));
        _isStarted = true;
        _loading = Task.Run(() => Load(options, path), CancellationToken.None);
        if (options.Runtime.LoadInBackground)
        {
            // Nobody awaits it: what goes wrong is logged, and told by the checks and to callers.
            return;
        }

        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _abandoned);
        await _loading.ConfigureAwait(false);
        if (_loadError is not null)
        {
            throw _loadError is SpecDecodeException error ? error : new SpecDecodeException($"The model could not be loaded: {_loadError.Message}", _loadError);
        }
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _isStopping = true;
        _watch?.Stop();
        await _abandoned.CancelAsync().ConfigureAwait(false);
        await _loading.ConfigureAwait(false);
        if (_model is { } model)
        {
            _logger.Stopping(_name, model.Generator.Loop.LiveCount + model.Generator.Loop.WaitingCount);
            await model.StopAsync(cancellationToken).ConfigureAwait(false);
            if (cancellationToken.IsCancellationRequested)
            {
                _logger.StoppedEarly(_name);
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

        _isStopping = true;
        _watch?.Stop();
        await _abandoned.CancelAsync().ConfigureAwait(false);
        await _loading.ConfigureAwait(false);
        if (_model is { } model)
        {
            await model.DisposeAsync().ConfigureAwait(false);
        }

        _abandoned.Dispose();
    }

    /// <summary>As <see cref="DisposeAsync"/>, for containers that are disposed so.</summary>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    // Never throws: what goes wrong is kept.
    private void Load(SpecDecodeOptions options, string path)
    {
        try
        {
            long start = Stopwatch.GetTimestamp();
            _logger.Loading(_name, path);
            LoadedModel loaded = ModelLoader.Load(
                path, options.Model, options.Runtime, warning => _logger.LoadWarning(_name, warning), progress: null, _abandoned.Token);
            ServedModel model = Serve(loaded, options);
            Volatile.Write(ref _model, model);
            _logger.Ready(_name, Stopwatch.GetElapsedTime(start).TotalSeconds, InWords(model.Generator.Defaults.Draft));
            _watch?.Start(Reload);
        }
        catch (Exception error)
        {
            _loadError = error;
            if (options.Runtime.LoadInBackground && !_abandoned.IsCancellationRequested)
            {
                // Nobody waits for it who could tell. Where it is no sentence of ours, its trace may help.
                _logger.LoadFailed(_name, error.Message, error is SpecDecodeException ? null : error);
            }
        }
    }

    private ServedModel Serve(LoadedModel loaded, SpecDecodeOptions options)
    {
        GenerationDefaults defaults;
        try
        {
            defaults = Defaults(options, loaded.Stages.LayerCount);
        }
        catch
        {
            loaded.Dispose();
            throw;
        }

        SpecDecodeMetrics metrics = new(_meters, _name, () => Volatile.Read(ref _model)?.Generator.Loop);
        return ServedModel.Start(
            loaded, _name, SchedulerLimits.Of(options.Runtime), options.Runtime.MaxQueue, defaults, new LoggingObserver(metrics, _logger, _name));
    }

    private void Reload(Func<SpecDecodeOptions> read, bool needsRestart)
    {
        try
        {
            TextGenerator generator = Generator;
            GenerationDefaults defaults = Defaults(read(), generator.Model.LayerCount);
            if (defaults != generator.Defaults)
            {
                generator.Defaults = defaults;
                _logger.Reloaded(_name, InWords(defaults.Draft));
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

    private static GenerationDefaults Defaults(SpecDecodeOptions options, int layerCount) => new()
    {
        MaxNewTokens = options.Sampling.MaxTokens,
        Sampling = options.Sampling.ToOptions(),
        Draft = options.Drafting.For(layerCount),
    };

    private static string InWords(DraftOptions draft) => draft.Length == 0
        ? "none"
        : FormattableString.Invariant($"{draft.Length} tokens by {draft.Plan.Blocks.Length} blocks, threshold {draft.Threshold}");
}
