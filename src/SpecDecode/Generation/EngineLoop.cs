using System.Collections.Concurrent;
using System.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.LayerSearch;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;

namespace SpecDecode.Generation;

/// <summary>
/// The thread that runs a model's steps: takes requests in, steps while there is anybody to serve, sleeps while there is not, and
/// passes tokens on.
/// </summary>
internal sealed class EngineLoop : IEngineLoad, IDisposable
{
    /// <summary>What <see cref="Submit"/> throws: the exceptions with which it refuses a request.</summary>
    public static readonly IReadOnlyList<Type> Refusals = [typeof(QueueFullException), typeof(ShuttingDownException), typeof(SpecDecodeException)];

    private readonly Scheduler _scheduler;
    private readonly SpareWork? _spare;
    private readonly IEngineObserver _observer;
    private readonly AutoDraftPolicy? _policy;
    private readonly DraftKeeper? _keeper;
    private readonly Thread _thread;
    private readonly ConcurrentQueue<TokenFeed> _incoming = new();
    private readonly List<TokenFeed> _feeds = [];
    private readonly AutoResetEvent _wake = new(false);
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _inFlight;
    private long _stepTicks;
    private long _publishTicks;
    private volatile int _liveCount;
    private volatile int _shutDownCount;
    private bool _hasToldError;
    private bool _isStopping;
    private bool _isDisposed;
    private volatile bool _isHurrying;
    private volatile bool _draftingFails;
    private volatile Exception? _fault;

    /// <summary>Makes a loop and starts its thread.</summary>
    /// <param name="scheduler">The sequences; belongs to the loop from now on.</param>
    /// <param name="maxInFlight">Most requests that are live or wait.</param>
    /// <param name="observer">Is told what happens.</param>
    /// <param name="name">The thread's name.</param>
    /// <param name="policy">The policy of which the observer is told what it thinks; null for none.</param>
    /// <param name="keeper">Keeps what it has learnt, when nobody is to be served and at the end; null where nobody does.</param>
    /// <param name="spare">What runs when there is time; belongs to the loop from now on. Null for nothing.</param>
    public EngineLoop(
        Scheduler scheduler, int maxInFlight, IEngineObserver observer, string name, AutoDraftPolicy? policy = null, DraftKeeper? keeper = null,
        SpareWork? spare = null)
    {
        _policy = policy;
        _keeper = keeper;
        _spare = spare;
        _scheduler = scheduler;
        MaxInFlight = maxInFlight;
        _observer = observer;
        _thread = new Thread(Run) { Name = name, IsBackground = true };

        // Without the context of whoever starts it: what is logged in the loop belongs to no activity or scope of the start.
        _thread.UnsafeStart();
    }

    /// <inheritdoc/>
    public int LiveCount => _liveCount;

    /// <inheritdoc/>
    public int WaitingCount => Math.Max(0, Volatile.Read(ref _inFlight) - _liveCount);

    /// <summary>Most texts that are live or wait: a request that asks for more can never be taken.</summary>
    public int MaxInFlight { get; }

    /// <summary>Whether as many requests are live or wait as there may be.</summary>
    public bool IsFull => Volatile.Read(ref _inFlight) >= MaxInFlight;

    /// <summary>Whether a policy threw in the last step, so that its texts went on without drafts.</summary>
    public bool DraftingFails => _draftingFails;

    /// <summary>Requests that ended where they were because the loop stopped.</summary>
    public int ShutDownCount => _shutDownCount;

    /// <summary>Ends with the loop, whatever ends it.</summary>
    public Task Ended => _ended.Task;

    /// <inheritdoc/>
    public bool IsReady => _fault is null && !IsStopping;

    /// <inheritdoc/>
    public long KvUsedBytes => _fault is null ? _scheduler.Budget.Used : 0;

    /// <inheritdoc/>
    public EngineTimes Times => new(
        Stopwatch.GetElapsedTime(0, Volatile.Read(ref _stepTicks)), Stopwatch.GetElapsedTime(0, Volatile.Read(ref _publishTicks)),
        _spare?.State?.Time ?? TimeSpan.Zero);

    /// <inheritdoc/>
    public SearchProgress Search => LayerSearch is { } state
        ? new SearchProgress(true, state.Tried, state.Adopted, state.ExpectedSpeedup, state.IsResting)
        : default;

    /// <summary>How far the search for layers to leave out has come; null where there is none.</summary>
    public LayerSearchState? LayerSearch => _spare?.State;

    /// <inheritdoc/>
    public long KvReservedBytes => _fault is null ? _scheduler.Budget.Reserved : 0;

    /// <inheritdoc/>
    public long KvKeptBytes => _fault is null ? _scheduler.Budget.Kept : 0;

    /// <inheritdoc/>
    public long KvSharedBytes => _fault is null ? _scheduler.Budget.Shared : 0;

    /// <inheritdoc/>
    public long KvLimitBytes => _scheduler.Budget.Limit;

    /// <summary>What ended the loop when it should not have ended; null while all is well.</summary>
    public Exception? Fault => _fault;

    /// <summary>Takes a request's sequences, all of them or none.</summary>
    /// <param name="sequences">The sequences.</param>
    /// <param name="signal">Is set whenever there is more to read of any of them.</param>
    /// <returns>What is to be read of each.</returns>
    /// <exception cref="QueueFullException">Too many wait already.</exception>
    /// <exception cref="ShuttingDownException">The loop takes no more.</exception>
    /// <exception cref="SpecDecodeException">It has failed.</exception>
    public TokenFeed[] Submit(ReadOnlySpan<Sequence> sequences, AsyncSignal signal)
    {
        TokenFeed[] feeds = new TokenFeed[sequences.Length];
        for (int i = 0; i < feeds.Length; i++)
        {
            feeds[i] = new TokenFeed(sequences[i], signal);
        }

        SpecDecodeException? refusal;
        lock (_gate)
        {
            refusal = FindRefusal(feeds.Length);
            if (refusal is null)
            {
                Interlocked.Add(ref _inFlight, feeds.Length);
                foreach (TokenFeed feed in feeds)
                {
                    feed.Sequence.Enqueue();
                    _incoming.Enqueue(feed);
                }

                // In the lock, since the loop that is disposed has no signal any more.
                _wake.Set();
            }
        }

        if (refusal is not null)
        {
            _observer.OnRefused(refusal);
            throw refusal;
        }

        return feeds;
    }

    /// <summary>Whether it takes no more requests.</summary>
    public bool IsStopping
    {
        get
        {
            lock (_gate)
            {
                return _isStopping;
            }
        }
    }

    /// <summary>Takes no more requests, and lets those that it has run to their end.</summary>
    /// <param name="hurry">Ends them where they are, with <see cref="FinishReason.Shutdown"/>.</param>
    public async Task StopAsync(CancellationToken hurry)
    {
        Stop(hurry: false);
        using CancellationTokenRegistration registration = hurry.UnsafeRegister(static loop => ((EngineLoop)loop!).Stop(hurry: true), this);
        await _ended.Task.ConfigureAwait(false);
    }

    /// <summary>Whether it runs on the calling thread, which so must not wait for its end.</summary>
    public bool IsCurrentThread => Thread.CurrentThread == _thread;

    /// <summary>Stops at once, if it has not stopped, and waits for the step that runs.</summary>
    /// <exception cref="InvalidOperationException">It is called by the loop's own thread, from inside an observer.</exception>
    public void Dispose()
    {
        if (IsCurrentThread)
        {
            throw new InvalidOperationException("The engine's own thread cannot wait for its end: dispose of the model from another thread.");
        }

        Stop(hurry: true);
        _thread.Join();
        lock (_gate)
        {
            _isDisposed = true;
            _wake.Dispose();
        }
    }

    private void Stop(bool hurry)
    {
        lock (_gate)
        {
            _isStopping = true;
            _isHurrying |= hurry;
            if (!_isDisposed)
            {
                _wake.Set();
            }
        }
    }

    // Why no request is taken now; null when one is.
    private SpecDecodeException? FindRefusal(int texts) =>
        _isStopping ? new ShuttingDownException("The service is stopping and takes no more requests: send this one to another instance, or again later.")
        : _fault is { } fault ? new SpecDecodeException($"The engine has failed and cannot go on: {fault.Message} Restart the service.", fault)
        : _inFlight + texts > MaxInFlight ? new QueueFullException(
            $"{_inFlight} requests are being answered or wait, as many as MaxSequences and MaxQueue allow together: try again later, or raise MaxQueue.")
        : null;

    private void Run()
    {
        try
        {
            while (TakeIn())
            {
                if (_scheduler.IsIdle)
                {
                    Rest();
                }
                else
                {
                    Step();
                }
            }

            _scheduler.ForgetKept();
            _keeper?.End();
        }
        catch (Exception error)
        {
            // A fault of the engine itself: nobody may be left waiting for it.
            lock (_gate)
            {
                _fault = error;
            }

            FailAll(error);
        }
        finally
        {
            _spare?.Dispose();
            _ended.SetResult();
        }
    }

    private void Rest()
    {
        _keeper?.Rest();
        if (_spare?.RunIdle() != true)
        {
            _wake.WaitOne(_keeper?.UntilDue ?? Timeout.InfiniteTimeSpan);
        }

        TellOfSearch();
    }

    // Whether the loop goes on.
    private bool TakeIn()
    {
        while (_incoming.TryDequeue(out TokenFeed? feed))
        {
            _feeds.Add(feed);
            _scheduler.Add(feed.Sequence);
        }

        if (_isHurrying)
        {
            _scheduler.EndAll(FinishReason.Shutdown);
            PassOn();
        }

        lock (_gate)
        {
            return !_isStopping || !_scheduler.IsIdle || !_incoming.IsEmpty;
        }
    }

    private void Step()
    {
        long planned = _policy?.Steps ?? 0;
        long start = Stopwatch.GetTimestamp();
        StepRecord record = _scheduler.Step();
        long stepped = Stopwatch.GetTimestamp();
        if (_policy is not null && _policy.Steps != planned)
        {
            _observer.OnChoice(_policy.Choice, record.Time);
        }

        if (_scheduler.PassError is { } error)
        {
            _observer.OnPassFailed(error);
        }

        if (record.Sequences > 0)
        {
            _observer.OnStep(record);
            _draftingFails = _scheduler.PolicyError is not null;
            if (_scheduler.PolicyError is { } policyError)
            {
                _observer.OnPolicyFailed(policyError);
            }
        }

        PassOn();
        Volatile.Write(ref _stepTicks, _stepTicks + stepped - start);
        Volatile.Write(ref _publishTicks, _publishTicks + Stopwatch.GetTimestamp() - stepped);
        _spare?.RunAfter(record.Time);
        TellOfSearch();
    }

    private void TellOfSearch()
    {
        if (_spare?.HasAdopted == true)
        {
            LayerSearchState state = _spare.State!;
            _observer.OnPlanAdopted(state.SkippedAttention, state.SkippedMlp, state.ExpectedSpeedup ?? 1, state.Tried);
        }
        else if (_spare?.Error is { } error && !_hasToldError)
        {
            _hasToldError = true;
            _observer.OnSearchFailed(error);
        }
    }

    private void PassOn()
    {
        _liveCount = _scheduler.Live.Count;
        int kept = 0;
        for (int i = 0; i < _feeds.Count; i++)
        {
            TokenFeed feed = _feeds[i];
            Sequence sequence = feed.Sequence;
            int before = feed.State.Count;
            if (before > 0 && sequence.NewTokens.Length > before)
            {
                _observer.OnRound(sequence.LastRound);
                _observer.OnRoundOf(sequence);
            }

            if (sequence.FinishReason is not null)
            {
                // Before the reader knows: it may ask again at once.
                Interlocked.Decrement(ref _inFlight);
                _shutDownCount += sequence.FinishReason == FinishReason.Shutdown ? 1 : 0;
                _observer.OnEnded(sequence);
            }
            else
            {
                _feeds[kept++] = feed;
            }

            feed.Publish();
        }

        _feeds.RemoveRange(kept, _feeds.Count - kept);
    }

    // What is broken may break here again, so nothing here relies on anything else.
    private void FailAll(Exception error)
    {
        while (_incoming.TryDequeue(out TokenFeed? feed))
        {
            _feeds.Add(feed);
        }

        foreach (TokenFeed feed in _feeds)
        {
            feed.Sequence.Fail(error);
            Try(feed.Sequence.Dispose);
        }

        _liveCount = 0;
        Interlocked.Exchange(ref _inFlight, 0);
        foreach (TokenFeed feed in _feeds)
        {
            Try(() => _observer.OnEnded(feed.Sequence));
            feed.Publish();
        }

        _feeds.Clear();

        // The first error is the one that is told.
        static void Try(Action action)
        {
            try
            {
                action();
            }
            catch (Exception)
            {
            }
        }
    }
}
