using Microsoft.Extensions.Logging;
using SpecDecode.Diagnostics;
using SpecDecode.Scheduling;

namespace SpecDecode.Hosting;

/// <summary>
/// Passes the engine's records on to the metrics, and logs what went wrong. Listeners of metrics and logs are the application's and may
/// throw; that ends no text.
/// </summary>
internal sealed class LoggingObserver(IEngineObserver metrics, ILogger logger, string model) : IEngineObserver
{
    private bool _hasFailed;

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
        }
        catch (Exception error)
        {
            NoteFailure(error);
        }
    }

    /// <inheritdoc/>
    public void OnRound(in RoundRecord round)
    {
        try
        {
            metrics.OnRound(round);
        }
        catch (Exception error)
        {
            NoteFailure(error);
        }
    }

    /// <inheritdoc/>
    public void OnEnded(Sequence sequence)
    {
        try
        {
            metrics.OnEnded(sequence);
        }
        catch (Exception error)
        {
            NoteFailure(error);
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
            NoteFailure(failure);
        }
    }

    private void NoteFailure(Exception error)
    {
        if (_hasFailed)
        {
            return;
        }

        _hasFailed = true;
        try
        {
            logger.ListenerFailed(model, error);
        }
        catch (Exception)
        {
            // It was the log itself, so there is nowhere left to tell it.
        }
    }
}
