using SpecDecode.Drafting;

namespace SpecDecode.Scheduling;

/// <summary>
/// What plain steps take, by their number of sequences, and so what the tokens of any step would have taken without drafts. Learnt from the plain steps
/// that there are: policies make some now and then, and the last token of a text has no draft.
/// </summary>
internal sealed class PlainStepTime
{
    // What a step takes by its number of sequences, each of which has one row.
    private readonly CostCurve _steps = new(CostCurve.MostRows);

    /// <summary>Learns from a step, where it was a plain one.</summary>
    /// <returns>
    /// Estimated time of plain steps for the tokens that it gave; null where it read a prompt or failed, which is not compared, or nothing is known yet.
    /// </returns>
    public TimeSpan? Note(in StepRecord step)
    {
        if (step.PromptRows > 0 || step.FailedPasses > 0 || step.VerifyRows == 0 || step.OutputTokens == 0)
        {
            return null;
        }

        if (step.DraftRows == 0 && step.VerifyRows == step.Sequences)
        {
            _steps.Add(step.Sequences, step.Time.TotalSeconds);
            return step.Time;
        }

        // The verifying pass has a plain step's rows among its own, so a plain step would not have taken longer than what the step took without its drafts.
        return _steps.IsEmpty ? null
            : TimeSpan.FromSeconds(Math.Min(_steps.At(step.Sequences), (step.Time - step.DraftTime).TotalSeconds) * step.OutputTokens / step.Sequences);
    }
}
