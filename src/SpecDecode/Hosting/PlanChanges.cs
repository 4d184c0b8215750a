using SpecDecode.Drafting;

namespace SpecDecode.Hosting;

/// <summary>
/// Tells changes of the preferred plan that are worth a line in a log: what has held for some time, and not what one round says. Time is that of
/// steps, so an engine that rests holds nothing.
/// </summary>
internal sealed class PlanChanges
{
    // As long, or no line: single texts change the preference for less.
    private static readonly TimeSpan Held = TimeSpan.FromSeconds(5);

    // No two lines within this.
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(30);

    private DraftPlan? _told;
    private DraftPlan? _current;
    private bool _hasTold;
    private TimeSpan _held;
    private TimeSpan _sinceTold = Between;

    /// <summary>Takes a step, and says whether what holds now is to be told.</summary>
    /// <param name="choice">What is preferred.</param>
    /// <param name="time">Time of the step.</param>
    public bool Note(in DraftChoice choice, TimeSpan time)
    {
        if (!choice.IsKnown)
        {
            return false;
        }

        _held = ReferenceEquals(choice.Plan, _current) ? _held + time : TimeSpan.Zero;
        _current = choice.Plan;
        _sinceTold += time;
        if (_held < Held || _sinceTold < Between || (_hasTold && ReferenceEquals(_told, _current)))
        {
            return false;
        }

        (_told, _hasTold, _sinceTold) = (_current, true, TimeSpan.Zero);
        return true;
    }
}
