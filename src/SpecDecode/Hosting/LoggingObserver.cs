using Microsoft.Extensions.Logging;
using SpecDecode.Diagnostics;
using SpecDecode.Scheduling;

namespace SpecDecode.Hosting;

/// <summary>Passes the engine's records on to the metrics, and logs what went wrong.</summary>
internal sealed class LoggingObserver(IEngineObserver metrics, ILogger logger, string model) : IEngineObserver
{
    /// <inheritdoc/>
    public void OnStep(in StepRecord step)
    {
        metrics.OnStep(step);

        // A verifying pass that failed is told apart; then there are no rows.
        if (step.FailedPasses > 0 && step.VerifyRows > 0)
        {
            logger.DraftsFailed(model, step.FailedPasses);
        }
    }

    /// <inheritdoc/>
    public void OnRound(in RoundRecord round) => metrics.OnRound(round);

    /// <inheritdoc/>
    public void OnEnded(Sequence sequence) => metrics.OnEnded(sequence);

    /// <inheritdoc/>
    public void OnPassFailed(Exception error)
    {
        metrics.OnPassFailed(error);
        logger.PassFailed(model, error);
    }
}
