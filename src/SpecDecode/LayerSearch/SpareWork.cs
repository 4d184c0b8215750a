using System.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.Scheduling;
using SpecDecode.Stages;

namespace SpecDecode.LayerSearch;

/// <summary>
/// When the search for layers runs: while nobody is served, and after steps within a share of their time, a pass at a time, so that whoever comes waits for one
/// pass of a few rows at most. Nothing is searched before a request drafts by what is found. A search that fails ends, and drafts go on with the plan that
/// there is. Belongs to the thread that runs the steps.
/// </summary>
internal sealed class SpareWork : IDisposable
{
    private readonly IStages _stages;
    private readonly Scheduler _scheduler;
    private readonly SearchedPlan _plan;
    private readonly double _share;
    private SwiftSearch? _search;
    private long _ticks;
    private long _lastTicks;
    private double _credit;
    private volatile LayerSearchState? _state;

    /// <summary>Prepares it; nothing runs yet.</summary>
    /// <param name="stages">The model.</param>
    /// <param name="scheduler">Its sequences.</param>
    /// <param name="plan">The plan that is searched for.</param>
    /// <param name="share">Share of the steps' time that it may take; 0 to 1.</param>
    public SpareWork(IStages stages, Scheduler scheduler, SearchedPlan plan, double share)
    {
        _stages = stages;
        _scheduler = scheduler;
        _plan = plan;
        _share = share;
    }

    /// <summary>How far the search has come; null where there is none. For any thread.</summary>
    public LayerSearchState? State => _state;

    /// <summary>What ended the search; null where it has not failed.</summary>
    public Exception? Error { get; private set; }

    /// <summary>Whether the last call had another plan adopted.</summary>
    public bool HasAdopted { get; private set; }

    /// <summary>Runs a pass while nobody is served.</summary>
    /// <returns>False where there is nothing to do.</returns>
    public bool RunIdle()
    {
        HasAdopted = false;
        if (!HasWork)
        {
            return false;
        }

        Run(isIdle: true);
        return true;
    }

    /// <summary>Runs a pass where the share allows for it.</summary>
    /// <param name="step">Time of the step that was.</param>
    public void RunAfter(TimeSpan step)
    {
        HasAdopted = false;
        _search?.Interrupt();
        if (!HasWork)
        {
            _credit = 0;
            return;
        }

        _credit += _share * step.Ticks;
        if (_share > 0 && _credit >= _lastTicks)
        {
            Run(isIdle: false);
            _credit -= _lastTicks;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _search?.Dispose();
        _search = null;
        _scheduler.Keeper = null;
        _scheduler.Budget.Note();
    }

    private bool HasWork
    {
        get
        {
            if (_search is null && _plan.IsAsked && Error is null)
            {
                KeptTexts texts = new(_scheduler.Budget);
                _search = new SwiftSearch(_stages, _plan, texts);
                _scheduler.Keeper = texts;
            }

            return _search?.HasWork == true;
        }
    }

    private void Run(bool isIdle)
    {
        long start = Stopwatch.GetTimestamp();
        try
        {
            HasAdopted = _search!.Step(isIdle);
        }
        catch (Exception error)
        {
            Error = error;
            Dispose();
        }

        _lastTicks = Stopwatch.GetElapsedTime(start).Ticks;
        _ticks += _lastTicks;
        _state = _search?.State(new TimeSpan(_ticks)) ?? _state;
        _scheduler.Budget.Note();
    }
}
