using Microsoft.Extensions.Logging;
using SpecDecode.Drafting;
using SpecDecode.Hosting;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;

namespace SpecDecode.Tests.Hosting;

/// <summary>A line in the log for each change of plan that holds, and for no other.</summary>
public class PlanChangesTests
{
    private static readonly IReadOnlyList<DraftPlan> Plans = new ModelDrafting(16, hasDraftWeights: true).Candidates;

    private readonly PlanChanges _changes = new();

    [Fact]
    public void What_holds_for_five_seconds_of_steps_is_told_once()
    {
        Assert.Equal(0, Steps(Plans[0], seconds: 4.9));
        Assert.Equal(1, Steps(Plans[0], seconds: 100));
    }

    [Fact]
    public void Plain_decoding_is_told_as_a_plan_is()
    {
        Assert.Equal(1, Steps(null, seconds: 10));
        Assert.Equal(0, Steps(null, seconds: 100));
    }

    [Fact]
    public void What_changes_to_and_fro_is_not_told()
    {
        int told = 0;
        for (int i = 0; i < 100; i++)
        {
            told += Steps(Plans[0], seconds: 2) + Steps(Plans[1], seconds: 2) + Steps(null, seconds: 1);
        }

        Assert.Equal(0, told);
    }

    [Fact]
    public void Another_one_that_holds_is_told_but_no_two_within_half_a_minute()
    {
        Assert.Equal(1, Steps(Plans[0], seconds: 6));
        Assert.Equal(0, Steps(Plans[1], seconds: 20));
        Assert.Equal(1, Steps(Plans[1], seconds: 20));
        Assert.Equal(0, Steps(null, seconds: 15));
        Assert.Equal(0, Steps(Plans[1], seconds: 60));
        Assert.Equal(1, Steps(Plans[0], seconds: 6));
    }

    [Fact]
    public void Before_anything_was_compared_nothing_is_told()
    {
        for (int i = 0; i < 1000; i++)
        {
            Assert.False(_changes.Note(default, TimeSpan.FromSeconds(1)));
        }
    }

    [Fact]
    public void The_line_has_the_plan_and_what_is_expected_of_it()
    {
        List<string> lines = [];
        LoggingObserver observer = new(new Nobody(), new Lines(lines), "story");
        for (int i = 0; i < 8; i++)
        {
            observer.OnChoice(new DraftChoice(true, Plans[^1], 1.5, 0.063), TimeSpan.FromSeconds(1));
        }

        for (int i = 0; i < 40; i++)
        {
            observer.OnChoice(new DraftChoice(true, null, 1, 0), TimeSpan.FromSeconds(1));
        }

        Assert.Equal(
            [
                "22 Drafting of the model story has changed to: exit layer 8 on the copy of the weights; expected speed-up: 1.50; calibration error: 0.063",
                "22 Drafting of the model story has changed to: lookup or plain decoding; expected speed-up: 1.00; calibration error: 0.000",
            ],
            lines);
    }

    // Lines that so many seconds of steps give.
    private int Steps(DraftPlan? plan, double seconds)
    {
        int told = 0;
        for (double time = 0; time < seconds - 1e-9; time += 0.1)
        {
            told += _changes.Note(new DraftChoice(true, plan, 1.3, 0.05), TimeSpan.FromSeconds(0.1)) ? 1 : 0;
        }

        return told;
    }

    private sealed class Nobody : IEngineObserver
    {
        public void OnStep(in StepRecord step)
        {
        }

        public void OnRound(in RoundRecord round)
        {
        }

        public void OnEnded(Sequence sequence)
        {
        }

        public void OnPassFailed(Exception error)
        {
        }
    }

    private sealed class Lines(List<string> lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Add($"{eventId.Id} {formatter(state, exception)}");
    }
}
