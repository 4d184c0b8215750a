using Microsoft.Extensions.Logging;
using SpecDecode.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;

namespace SpecDecode.Hosting;

/// <summary>
/// Passes the engine's records on to the metrics, and logs what went wrong. Whoever listens to metrics runs code of theirs on the
/// engine's thread: where it throws, its measurements are lost and the engine goes on; that is logged the first time.
/// </summary>
internal sealed class LoggingObserver(IEngineObserver metrics, ILogger logger, string model, TimeProvider? time = null) : IEngineObserver
{
    // One now and then is what memory that is used as it is needed costs.
    private const int ManyPreemptions = 8;

    private readonly PlanChanges _changes = new();
    private readonly EventCount _refusals = new(time ?? TimeProvider.System);
    private readonly EventCount _preemptions = new(time ?? TimeProvider.System, ManyPreemptions);
    private int _hasFailed;

    /// <summary>What spans tell besides what they always do.</summary>
    public RequestTracing Tracing { get; init; }

    /// <inheritdoc/>
    public void OnStep(in StepRecord step)
    {
        try
        {
            metrics.OnStep(step);

            // A verifying pass that failed is told apart; then there are no rows.
            if (step.FailedPasses > 0 && step.VerifyRows > 0)
            {
                logger.DraftsFailed(model, step.FailedPasses);
            }

            if (step.Preemptions > 0 && _preemptions.Note(step.Preemptions) is > 0 and var preemptions)
            {
                logger.Preempted(preemptions, model);
            }
        }
        catch (Exception failure)
        {
            Note(failure);
        }
    }

    /// <inheritdoc/>
    public void OnRound(in RoundRecord round)
    {
        try
        {
            metrics.OnRound(round);
        }
        catch (Exception failure)
        {
            Note(failure);
        }
    }

    /// <inheritdoc/>
    public void OnRoundOf(Sequence sequence)
    {
        if (!Tracing.RoundEvents)
        {
            return;
        }

        try
        {
            RequestActivity.AddRound(sequence);
        }
        catch (Exception failure)
        {
            Note(failure);
        }
    }

    /// <inheritdoc/>
    public void OnEnded(Sequence sequence)
    {
        try
        {
            metrics.OnEnded(sequence);
        }
        catch (Exception failure)
        {
            Note(failure);
        }
    }

    /// <inheritdoc/>
    public void OnPassFailed(Exception error)
    {
        try
        {
            metrics.OnPassFailed(error);
            logger.PassFailed(model, error);
        }
        catch (Exception failure)
        {
            Note(failure);
        }
    }

    /// <inheritdoc/>
    public void OnPolicyFailed(Exception error)
    {
        try
        {
            metrics.OnPolicyFailed(error);
            logger.PolicyFailed(model, error);
        }
        catch (Exception failure)
        {
            Note(failure);
        }
    }

    /// <inheritdoc/>
    public void OnChoice(in DraftChoice choice, TimeSpan time)
    {
        try
        {
            metrics.OnChoice(choice, time);
            if (_changes.Note(choice, time))
            {
                logger.PlanChanged(model, choice.Plan?.ToString() ?? "lookup or plain decoding", choice.ExpectedSpeedup, choice.CalibrationError);
            }
        }
        catch (Exception failure)
        {
            Note(failure);
        }
    }

    /// <inheritdoc/>
    public void OnPlanAdopted(IReadOnlyList<int> attention, IReadOnlyList<int> mlp, double expectedSpeedup, long tried)
    {
        try
        {
            metrics.OnPlanAdopted(attention, mlp, expectedSpeedup, tried);
            logger.PlanAdopted(model, string.Join(", ", attention), string.Join(", ", mlp), expectedSpeedup, tried);
        }
        catch (Exception failure)
        {
            Note(failure);
        }
    }

    /// <inheritdoc/>
    public void OnLearntNotKept(string reason)
    {
        try
        {
            metrics.OnLearntNotKept(reason);
            logger.LearntNotKept(model, reason);
        }
        catch (Exception failure)
        {
            Note(failure);
        }
    }

    /// <inheritdoc/>
    public void OnSearchFailed(Exception error)
    {
        try
        {
            metrics.OnSearchFailed(error);
            logger.SearchFailed(model, error);
        }
        catch (Exception failure)
        {
            Note(failure);
        }
    }

    /// <inheritdoc/>
    public void OnRefused(Exception error)
    {
        try
        {
            metrics.OnRefused(error);
            if (_refusals.Note() is > 0 and var requests)
            {
                logger.Refused(requests, model, error.Message);
            }
        }
        catch (Exception failure)
        {
            Note(failure);
        }
    }

    private void Note(Exception failure)
    {
        if (Interlocked.Exchange(ref _hasFailed, 1) == 0)
        {
            try
            {
                logger.TelemetryFailed(model, failure);
            }
            catch
            {
                // It was the log itself that failed, and there is nowhere else to say so.
            }
        }
    }
}
