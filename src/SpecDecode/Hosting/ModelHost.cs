using SpecDecode.Generation;

namespace SpecDecode.Hosting;

/// <summary>A key of a host and what serves under it: loads, replaces, unloads, stops. One operation at a time, but for stopping, which ends the others.</summary>
internal sealed class ModelHost : IAsyncDisposable
{
    private readonly ModelHostServices _services;
    private readonly string _who;
    private readonly SemaphoreSlim _operation = new(1, 1);
    private readonly ModelLoads _loads;
    private volatile ModelLoad? _current;
    private volatile ModelLoad? _replacement;
    private volatile ModelLoad? _unloading;
    private volatile string? _name;
    private volatile bool _isStarted;
    private volatile bool _isStopping;
    private volatile bool _isDisposed;
    private volatile TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Makes the host of a key; nothing is read or loaded yet.</summary>
    public ModelHost(ModelHostServices services, string key)
    {
        _services = services;
        _loads = new ModelLoads(services, key);
        Key = key;
        _who = key.Length == 0 ? "The model" : $"The model '{key}'";
        TextGenerator = new HostedTextGenerator(this);
    }

    /// <summary>What the model is asked for by.</summary>
    public string Key { get; }

    /// <summary>The generator that services are given.</summary>
    public ITextGenerator TextGenerator { get; }

    /// <summary>Whether nobody knew of it when the host started, or what it has was loaded since.</summary>
    public bool CameLater { get; set; }

    /// <summary>Whether nothing is loaded because somebody unloaded it.</summary>
    public bool WasUnloaded { get; private set; }

    /// <summary>Whether the calling thread belongs to a model of this host, and so must not wait for its end.</summary>
    public bool HasCurrentThread => _loads.HasCurrentThread;

    /// <summary>Whether requests are answered.</summary>
    public bool IsReady => _current is { IsReady: true } && !_isStopping;

    /// <summary>What is wrong for good, so that only a new start helps or another loading; null while nothing is.</summary>
    public Exception? Fault => _current?.Fault;

    /// <summary>How it is.</summary>
    public ModelStatus Status
    {
        get
        {
            ModelLoad? load = _current;
            ModelLoad? unloading = _unloading;
            return new ModelStatus
            {
                Key = Key,
                Name = _name,
                State = _isStopping ? ModelState.Stopping
                    : load is null ? unloading is null ? ModelState.NotLoaded : ModelState.Unloading
                    : load.Fault is not null ? ModelState.Failed
                    : load.IsReady ? ModelState.Ready
                    : ModelState.Loading,
                Progress = (_replacement ?? load)?.Progress,
                Error = load?.Fault,
                Model = load?.Model?.Generator.Model,
                LayerSearch = load?.Model?.Generator.Loop.LayerSearch,
                IsQueueFull = load?.Model?.Generator.Loop.IsFull == true,
                DraftingFails = load?.Model?.Generator.Loop.DraftingFails == true,
            };
        }
    }

    /// <summary>The generator of what is loaded.</summary>
    /// <exception cref="ModelNotReadyException">The model has not been loaded, or could not be.</exception>
    public TextGenerator Generator => _current is { } load
        ? load.Model?.Generator ?? throw NotReady(
            load.Fault is { } error ? $"{_who} could not be loaded: {error.Message}"
            : _isStopping ? "The host stopped before the model was loaded: start it again."
            : $"{_who} is still being loaded: wait until the readiness check passes, or leave Runtime:LoadInBackground off.",
            load.Fault)
        : throw NotReady(
            _isStarted ? $"{_who} is not loaded: load it (IModelCatalog.LoadAsync), or ask another."
            : $"{_who} is loaded when the host starts: start the host first (IHost.StartAsync or RunAsync).",
            null);

    /// <summary>Ends when the model answers.</summary>
    /// <exception cref="SpecDecodeException">It could not be loaded, or its engine has failed.</exception>
    /// <exception cref="ShuttingDownException">The host stops.</exception>
    public async Task WhenReadyAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            // Before the look: what changes after it is told.
            Task changed = _changed.Task;
            if (_isStopping)
            {
                throw new ShuttingDownException($"{_who} will not be ready any more: the host stops.");
            }

            if (_current is { } load)
            {
                if (load.Fault is { } error)
                {
                    throw load.Model is null ? AsSentence(error)
                        : new SpecDecodeException($"The engine has failed and cannot go on: {error.Message} Restart the service.", error);
                }

                if (load.IsReady)
                {
                    return;
                }
            }

            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Loads it as the options say, at the start of the host.</summary>
    public async Task StartAsync(SpecDecodeOptions options, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        cancellationToken.ThrowIfCancellationRequested();
        ModelLoad load = _loads.Add(options, inCode: null);
        Show(load);
        _isStarted = true;
        Task loading = Begin(load);
        if (!load.IsInBackground)
        {
            await End(load, loading, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Notes that the host has started, with this model or without.</summary>
    public void HasStarted() => _isStarted = true;

    /// <inheritdoc cref="IModelCatalog.LoadAsync"/>
    public async Task LoadAsync(Action<SpecDecodeOptions>? configure, CancellationToken cancellationToken)
    {
        using Operation operation = await Enter(cancellationToken).ConfigureAwait(false);
        if (_current is { Fault: null })
        {
            throw new InvalidOperationException($"{_who} is loaded already: IModelCatalog.ReplaceAsync puts another in its place.");
        }

        Action<SpecDecodeOptions>? inCode = configure ?? _services.Options.InCode(Key);
        await LoadInto(Make(inCode), inCode, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc cref="IModelCatalog.ReplaceAsync"/>
    public async Task ReplaceAsync(Action<SpecDecodeOptions>? configure, CancellationToken cancellationToken)
    {
        using Operation operation = await Enter(cancellationToken).ConfigureAwait(false);
        Action<SpecDecodeOptions>? inCode = configure ?? _services.Options.InCode(Key);
        ModelLoad load = Make(inCode);
        if (_current is { IsLoading: true } loading)
        {
            // It may be ready when this has ended.
            await loading.AbandonAsync().ConfigureAwait(false);
        }

        if (_current is not { IsReady: true } former)
        {
            await LoadInto(load, inCode, cancellationToken).ConfigureAwait(false);
            return;
        }

        _replacement = load;
        try
        {
            _services.Logger.Replacing(former.Name, load.Path);
            await End(load, Begin(load), cancellationToken).ConfigureAwait(false);
            CameLater = true;
            _services.Options.Keep(Key, inCode);
            Show(load);
        }
        catch
        {
            await load.DisposeAsync().ConfigureAwait(false);
            _loads.Remove(load);
            throw;
        }
        finally
        {
            _replacement = null;
            Changed();
        }

        await Retire(former, cancellationToken).ConfigureAwait(false);
        _services.Logger.Replaced(load.Name);
    }

    /// <inheritdoc cref="IModelCatalog.UnloadAsync"/>
    public async Task UnloadAsync(CancellationToken cancellationToken)
    {
        // A loading that holds the operation is ended, not waited for.
        bool wasLoading = _current is { IsLoading: true };
        foreach (ModelLoad? loading in (ModelLoad?[])[_replacement, _current])
        {
            if (loading is { IsLoading: true })
            {
                await loading.AbandonAsync().ConfigureAwait(false);
            }
        }

        // The token does not end the wait: it is about the texts.
        using Operation operation = await Enter(CancellationToken.None).ConfigureAwait(false);
        if (_current is not { } load)
        {
            if (wasLoading)
            {
                WasUnloaded = true;
                return;
            }

            throw new InvalidOperationException($"{_who} is not loaded.");
        }

        _unloading = load;
        WasUnloaded = true;
        _current = null;
        Changed();
        try
        {
            await Retire(load, cancellationToken).ConfigureAwait(false);
            _services.Logger.Unloaded(load.Name);
        }
        finally
        {
            _unloading = null;
            Changed();
        }
    }

    /// <summary>Stops for good: whatever loads is abandoned, no more requests are taken, and it ends when those that there are have ended.</summary>
    /// <param name="cancellationToken">Ends them where they are.</param>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await Task.WhenAll(Close().Select(load => load.StopAsync(cancellationToken))).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _isDisposed = true;
        foreach (ModelLoad load in Close())
        {
            await load.DisposeAsync().ConfigureAwait(false);
        }
    }

    private IReadOnlyList<ModelLoad> Close()
    {
        _isStopping = true;
        IReadOnlyList<ModelLoad> loads = _loads.Close();
        Changed();
        return loads;
    }

    // In place of what failed, was abandoned, or is not there.
    private async Task LoadInto(ModelLoad load, Action<SpecDecodeOptions>? inCode, CancellationToken cancellationToken)
    {
        if (_current is { } failed)
        {
            await Retire(failed, cancellationToken).ConfigureAwait(false);
        }

        CameLater = true;
        string? name = _name;
        Show(load);
        try
        {
            await End(load, Begin(load), cancellationToken).ConfigureAwait(false);
            WasUnloaded = false;
            _services.Options.Keep(Key, inCode);
        }
        catch (OperationCanceledException)
        {
            // As if it had never begun.
            _current = null;
            _name = name;
            throw;
        }
        catch
        {
            // What was asked for is not there; the next try is with the same options unless others are given.
            WasUnloaded = false;
            _services.Options.Keep(Key, inCode);
            throw;
        }
        finally
        {
            Changed();
        }
    }

    private ModelLoad Make(Action<SpecDecodeOptions>? inCode) => _loads.Add(_services.Options.Read(Key, inCode), inCode);

    private void Show(ModelLoad load)
    {
        _current = load;
        _name = load.Name;
    }

    private async Task Begin(ModelLoad load)
    {
        Changed();
        await load.Begin().ConfigureAwait(false);
        Changed();
    }

    // Waits for a loading, and throws what went wrong with it.
    private async Task End(ModelLoad load, Task loading, CancellationToken cancellationToken)
    {
        using (cancellationToken.UnsafeRegister(static load => _ = ((ModelLoad)load!).AbandonAsync(), load))
        {
            await loading.ConfigureAwait(false);
        }

        if (load.IsReady)
        {
            return;
        }

        Exception error = load.Fault is { } fault ? AsSentence(fault)
            : new OperationCanceledException(
                _isStopping ? "The host stopped before the model was loaded." : $"The loading of {char.ToLowerInvariant(_who[0])}{_who[1..]} was cancelled.",
                cancellationToken.IsCancellationRequested ? cancellationToken : default);
        if (load.Fault is null)
        {
            _loads.Remove(load);
        }

        throw error;
    }

    private async Task Retire(ModelLoad load, CancellationToken hurry)
    {
        await load.StopAsync(hurry).ConfigureAwait(false);
        await load.DisposeAsync().ConfigureAwait(false);
        _loads.Remove(load);
    }

    private async Task<Operation> Enter(CancellationToken cancellationToken)
    {
        if (!_isStarted)
        {
            throw new InvalidOperationException("The host has not started: start it first.");
        }

        await _operation.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (_isStopping)
        {
            _operation.Release();
            throw ModelLoads.Closed();
        }

        return new Operation(_operation);
    }

    private void Changed() => Interlocked.Exchange(ref _changed!, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();

    private static SpecDecodeException AsSentence(Exception error) =>
        error as SpecDecodeException ?? new SpecDecodeException($"The model could not be loaded: {error.Message}", error);

    private static ModelNotReadyException NotReady(string message, Exception? error) => new(message, error);

    private sealed class Operation(SemaphoreSlim semaphore) : IDisposable
    {
        public void Dispose() => semaphore.Release();
    }
}
