using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging;
using SpecDecode.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Limits;
using SpecDecode.Models;
using SpecDecode.Scheduling;

namespace SpecDecode.Hosting;

/// <summary>One loading of a model and what comes of it, from the first file that is read until its memory is given back.</summary>
internal sealed class ModelLoad : IAsyncDisposable
{
    private readonly ModelHostServices _services;
    private readonly string _place;
    private readonly SpecDecodeOptions _options;
    private readonly ConfigurationWatch? _watch;
    private readonly LoadProgressLog _progress;
    private readonly LoadTimes _times;
    private readonly ModelTelemetry _telemetry;

    // Never disposed: it has no timer, and whoever starts the host may cancel as late as it likes.
    private readonly CancellationTokenSource _abandoned = new();
    private Task _loading = Task.CompletedTask;
    private Task _engine = Task.CompletedTask;
    private volatile ServedModel? _model;
    private volatile BudgetRule? _budget;
    private volatile DefaultDrafting? _drafting;
    private volatile Exception? _error;
    private volatile Thread? _thread;
    private int _isDisposed;

    /// <summary>Makes one; nothing is read yet.</summary>
    /// <param name="services">What it takes from the host.</param>
    /// <param name="key">The model's key.</param>
    /// <param name="place">What stands before an option's own name.</param>
    /// <param name="options">The options, which belong to it from now on.</param>
    /// <param name="watch">Tells when they change; null where they cannot.</param>
    /// <exception cref="SpecDecodeException">A path is none.</exception>
    public ModelLoad(ModelHostServices services, string key, string place, SpecDecodeOptions options, ConfigurationWatch? watch)
    {
        _services = services;
        _place = place;
        _options = options;
        _watch = watch;
        watch?.Note();
        options.Model.Path = FullPath(options.Model.Path, "Model:Path", "a folder");
        if (options.Model.CacheFolder is { Length: > 0 } folder)
        {
            options.Model.CacheFolder = FullPath(folder, "Model:CacheFolder", "a folder");
        }

        if (options.Model.ChatTemplate is { Length: > 0 } template && GivenTemplate.IsPath(template))
        {
            options.Model.ChatTemplate = FullPath(template, "Model:ChatTemplate", "a file");
        }

        Name = NameOf(key, options);
        _times = new LoadTimes(services.Time);
        _progress = new LoadProgressLog(services.Logger, Name, services.Time, _times);
        _telemetry = services.Telemetry(Name);
    }

    /// <summary>What telemetry calls the model.</summary>
    public string Name { get; }

    /// <summary>The folder.</summary>
    public string Path => _options.Model.Path;

    /// <summary>Whether nobody waits for the loading.</summary>
    public bool IsInBackground => _options.Runtime.LoadInBackground;

    /// <summary>How far the loading is; null when it is over, or requests are answered already.</summary>
    public LoadProgress? Progress => _model is not null || _loading.IsCompleted ? null : _progress.Latest;

    /// <summary>What serves; null before.</summary>
    public ServedModel? Model => _model;

    /// <summary>What is wrong for good; null while nothing is.</summary>
    public Exception? Fault => _error ?? _model?.Generator.Loop.Fault;

    /// <summary>Whether it loads still.</summary>
    public bool IsLoading => !_loading.IsCompleted;

    /// <summary>Whether requests are answered.</summary>
    public bool IsReady => _model is { Generator.Loop.Fault: null };

    /// <summary>Whether the calling thread loads it or runs its steps, and so must not wait for it.</summary>
    public bool IsCurrentThread => _thread == Thread.CurrentThread || _model is { Generator.Loop.IsCurrentThread: true };

    /// <summary>What telemetry calls a model: as its options say, else its key, else its folder.</summary>
    public static string NameOf(string key, SpecDecodeOptions options) => options.Model.Name is { Length: > 0 } name ? name
        : key.Length > 0 ? key
        : System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(options.Model.Path)) is { Length: > 0 } folder ? folder
        : "model";

    /// <summary>Begins to load. The task never fails: what goes wrong is in <see cref="Fault"/>; a loading that was abandoned has neither that nor a model.</summary>
    public Task Begin()
    {
        _loading = Task.Run(Load, CancellationToken.None);
        return _loading;
    }

    /// <summary>Ends the loading, if it has not ended, and waits for that. One that comes to be ready all the same serves on as any.</summary>
    public async Task AbandonAsync()
    {
        await _abandoned.CancelAsync().ConfigureAwait(false);
        await _loading.ConfigureAwait(false);
    }

    /// <summary>Takes no more requests, and ends when those that there are have ended.</summary>
    /// <param name="hurry">Ends them where they are.</param>
    public async Task StopAsync(CancellationToken hurry)
    {
        _watch?.Stop();
        await AbandonAsync().ConfigureAwait(false);
        if (_model is { } model)
        {
            EngineLoop loop = model.Generator.Loop;
            bool isFirst = !loop.IsStopping;
            if (isFirst)
            {
                Tell(() => _services.Logger.Stopping(Name, loop.LiveCount + loop.WaitingCount));
            }

            await model.StopAsync(hurry).ConfigureAwait(false);
            if (isFirst)
            {
                if (loop.ShutDownCount > 0)
                {
                    Tell(() => _services.Logger.StoppedEarly(Name, loop.ShutDownCount));
                }

                Tell(() => _services.Logger.Stopped(Name));
            }
        }
    }

    /// <summary>Stops at once and gives everything back.</summary>
    public async ValueTask DisposeAsync()
    {
        _watch?.Stop();
        await AbandonAsync().ConfigureAwait(false);
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0 && _model is { } model)
        {
            await model.DisposeAsync().ConfigureAwait(false);
            _telemetry.Remove(model);
        }

        await _engine.ConfigureAwait(false);
    }

    private string ProfilePath(string path) => FullPath(path, "Drafting:Profile", "a file");

    private string FullPath(string path, string option, string mend)
    {
        try
        {
            return System.IO.Path.GetFullPath(path, _services.ContentRoot);
        }
        catch (ArgumentException error)
        {
            throw new SpecDecodeException($"{_place}{option} is '{path.Replace("\0", "\\0", StringComparison.Ordinal)}', which is no path: name {mend}.", error);
        }
    }

    private void Load()
    {
        ILogger logger = _services.Logger;
        _thread = Thread.CurrentThread;
        try
        {
            long start = Stopwatch.GetTimestamp();
            logger.Loading(Name, Path);

            // Ahead of what takes long.
            DefaultDrafting.Read(_options.Drafting, ProfilePath);
            LoadedModel loaded = ModelLoader.Load(
                Path, _options.Model, _options.Runtime, warning => logger.LoadWarning(Name, warning), _progress, _abandoned.Token);
            if (_abandoned.IsCancellationRequested)
            {
                // It was too far to notice.
                loaded.Dispose();
                throw new OperationCanceledException(_abandoned.Token);
            }

            ServedModel model = Serve(loaded);
            _telemetry.Add(model, _times.End());
            _model = model;
            _engine = WatchEngine(model.Generator.Loop);
            ModelSetup setup = model.Setup;
            Tell(() => logger.Ready(
                Name, Stopwatch.GetElapsedTime(start).TotalSeconds, model.Generator.Defaults.Drafting.ToString(), setup.PrecisionName,
                setup.DraftPrecisionName, setup.ThreadsName, setup.Kernels));
            Tell(() => Summarize(loaded, model));
            _watch?.Start(Reload);
        }
        catch (OperationCanceledException) when (_abandoned.IsCancellationRequested)
        {
            // Nothing is wrong with the model: nobody wants it any more.
        }
        catch (Exception failure)
        {
            Exception error = LoadErrors.Named(failure, _place);
            _error = error;
            if (IsInBackground)
            {
                // Nobody waits for it who could tell. Where it is no sentence of ours, its trace may help.
                Tell(() => logger.LoadFailed(Name, error.Message, error is SpecDecodeException ? null : error));
            }
        }
        finally
        {
            _thread = null;
        }
    }

    // A log that throws neither takes a model that answers away nor keeps one from stopping; there is nowhere else to say so.
    private static void Tell(Action log)
    {
        try
        {
            log();
        }
        catch (Exception)
        {
        }
    }

    private ServedModel Serve(LoadedModel loaded)
    {
        GenerationDefaults defaults;
        LoggingObserver observer;
        long memory = ProcessLimits.Current.MemoryBytes;
        SchedulerLimits limits = SchedulerLimits.Of(_options.Runtime, memory / _services.Sharing, loaded.Weights.TensorBytes, loaded.AttendsOnDevice);
        try
        {
            _budget = new BudgetRule(loaded.Stages, limits.KvBytes, _options.Runtime.KvCacheMegabytes is not null);
            _drafting = new DefaultDrafting(loaded.Identity, loaded.Stages.DraftPrecision is not null, loaded.Profile);
            defaults = Defaults(_options);
            observer = new LoggingObserver(_telemetry.Metrics, _services.Logger, Name, _services.Time) { Tracing = Tracing };
            if (limits.KvBytes > memory && !loaded.AttendsOnDevice)
            {
                _services.Logger.LoadWarning(
                    Name, $"{_place}Runtime:KvCacheMegabytes is {limits.KvBytes >> 20}, more than the {memory >> 20} MB that the process may use: with many long requests it may run out of memory.");
            }

            _services.Logger.Limits(
                Name, loaded.Threads?.Count?.ToString(CultureInfo.InvariantCulture) ?? "other", loaded.Threads?.Reason ?? "the application made ONNX Runtime's environment",
                limits.KvBytes >> 20, loaded.Weights.TensorBytes >> 20, memory >> 20);
            _drafting.Tell(_services.Logger, Name, defaults.Drafting);
        }
        catch
        {
            loaded.Dispose();
            throw;
        }

        _times.WarmUp();
        return ServedModel.Start(loaded, Name, limits, _options.Runtime.MaxQueue, defaults, observer, Tracing);
    }

    private RequestTracing Tracing => new(_options.Telemetry.RoundEvents, _options.Telemetry.MessageContent);

    // All of it in one event, for whoever asks later what it was that ran.
    private void Summarize(LoadedModel loaded, ServedModel model)
    {
        ModelSetup setup = model.Setup;
        _services.Logger.Summary(
            Name, loaded.Description.Family, loaded.Description.Layers.Length, setup.PrecisionName, setup.DraftPrecisionName, setup.Kernels, setup.ThreadsName,
            loaded.Weights.TensorBytes >> 20, model.Generator.Loop.KvLimitBytes >> 20, ProcessLimits.Current.MemoryBytes >> 20, _options.Runtime.MaxSequences,
            model.Generator.Defaults.Drafting.ToString(), setup.PolicyName, loaded.Weights.Verifier.Path);
    }

    private async Task WatchEngine(EngineLoop loop)
    {
        await loop.Ended.ConfigureAwait(false);
        if (loop.Fault is { } fault)
        {
            _services.Logger.EngineFailed(Name, fault);
        }
    }

    private void Reload(Func<SpecDecodeOptions> read, IReadOnlyList<string> needRestart)
    {
        try
        {
            ServedModel model = _model!;
            TextGenerator generator = model.Generator;
            GenerationDefaults defaults = Defaults(read());
            if (defaults != generator.Defaults)
            {
                bool draftsOtherwise = defaults.Drafting != generator.Defaults.Drafting;
                generator.Defaults = defaults;
                ModelSetup setup = model.Setup;
                _services.Logger.Reloaded(Name, defaults.Drafting.ToString(), setup.PrecisionName, setup.DraftPrecisionName, setup.ThreadsName);
                if (draftsOtherwise)
                {
                    _drafting!.Tell(_services.Logger, Name, defaults.Drafting);
                }
            }
        }
        catch (Exception error)
        {
            _services.Logger.ReloadRefused(Name, LoadErrors.Named(error, _place).Message);
        }

        if (needRestart.Count > 0)
        {
            _services.Logger.RestartNeeded(Name, string.Join(", ", needRestart));
        }
    }

    // By the model as it was loaded: what the options say of the model now holds when it is loaded again.
    private GenerationDefaults Defaults(SpecDecodeOptions options)
    {
        DraftingOptions drafting = _drafting!.Checked(options.Drafting, _place + "Drafting:", ProfilePath);
        _budget!.Check(options.MaxTokens);
        return new GenerationDefaults { MaxTokens = options.MaxTokens, Sampling = options.Sampling, Drafting = drafting }.Copy();
    }
}
