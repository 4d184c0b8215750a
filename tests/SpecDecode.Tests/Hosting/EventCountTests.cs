using Microsoft.Extensions.Logging;
using SpecDecode.Generation;
using SpecDecode.Hosting;
using SpecDecode.Limits;
using SpecDecode.Scheduling;

namespace SpecDecode.Tests.Hosting;

public class EventCountTests
{
    [Fact]
    public void Thousands_of_refusals_make_a_line_now_and_then_and_none_is_lost()
    {
        RecordedLog log = new();
        SetTime time = new();
        LoggingObserver observer = new(new Silent(), log, "tales", time);
        foreach (double second in Enumerable.Range(0, 6001).Select(i => i / 100.0))
        {
            time.Seconds = second;
            observer.OnRefused(new QueueFullException("There are too many."));
        }

        Assert.Equal(
            [
                "1 requests to the model tales were refused since this was last told; the last one: There are too many.",
                "3000 requests to the model tales were refused since this was last told; the last one: There are too many.",
                "3000 requests to the model tales were refused since this was last told; the last one: There are too many.",
            ],
            log.Messages(27));
        Assert.Equal(LogLevel.Warning, log.Level(27));
    }

    [Fact]
    public void Memory_that_runs_out_now_and_then_makes_no_line_and_often_makes_one()
    {
        RecordedLog log = new();
        SetTime time = new();
        LoggingObserver observer = new(new Silent(), log, "tales", time);
        void At(double second, int preemptions)
        {
            time.Seconds = second;
            observer.OnStep(new StepRecord { Sequences = 3, Preemptions = preemptions });
        }

        foreach (int second in Enumerable.Range(0, 7))
        {
            At(second, 1);
        }

        At(8, 0);
        Assert.Empty(log.Messages(28));
        At(9, 2);
        foreach (int second in Enumerable.Range(10, 31))
        {
            At(second, 1);
        }

        Assert.Equal(
            [
                "Memory for keys and values ran out 9 times since this was last told, so that sequences of the model tales gave theirs up and read their texts again: raise Runtime:KvCacheMegabytes, or lower Runtime:MaxSequences",
                "Memory for keys and values ran out 30 times since this was last told, so that sequences of the model tales gave theirs up and read their texts again: raise Runtime:KvCacheMegabytes, or lower Runtime:MaxSequences",
            ],
            log.Messages(28));
        Assert.Equal(LogLevel.Warning, log.Level(28));
    }

    [Fact]
    public async Task A_model_that_serves_says_in_one_event_with_what()
    {
        await using TestHost host = await TestHost.Started(("Drafting:Strategy", "early-exit"), ("Drafting:ExitLayer", "2"), ("Runtime:KvCacheMegabytes", "7"), ("Runtime:MaxSequences", "5"));
        string line = Assert.Single(host.Log.Messages(26));
        Assert.Matches("^The model llama_base serves; family: llama; layers: [0-9]+; precision: [a-z0-9]+; draft precision: [a-z0-9]+; kernels: .+; threads: .+; weights: [0-9]+ MB; ", line);
        Assert.Contains(
            $"; keys and values: at most 7 MB; process: {ProcessLimits.Current.MemoryBytes >> 20} MB; sequences: at most 5; drafting: {host.Generator.Defaults.Drafting}; policy: fixed; prepared weights: ",
            line, StringComparison.Ordinal);
        Assert.True(File.Exists(line.Split("prepared weights: ")[1]), line);
    }

    [Fact]
    public void The_time_of_a_loading_goes_to_the_phase_that_was_told_last()
    {
        SetTime time = new();
        LoadTimes times = new(time);
        void At(double second, Action note)
        {
            time.Seconds = second;
            note();
        }

        At(1, () => times.Note(new LoadProgress(LoadPhase.CheckingWeights, 0.5)));
        At(3, () => times.Note(new LoadProgress(LoadPhase.CheckingWeights, 1)));
        At(4, () => times.Note(new LoadProgress(LoadPhase.CreatingStages, 0.25)));
        At(9, () => times.Note(new LoadProgress(LoadPhase.CreatingStages, 1)));
        At(10, times.WarmUp);
        time.Seconds = 12;
        Assert.Equal(
            [("checking_weights", 2), ("preparing_weights", 0), ("waiting", 0), ("creating_stages", 5), ("warming_up", 2), ("other", 3)],
            times.End().Select(phase => (phase.Key, phase.Value.TotalSeconds)));
    }

    private sealed class Silent : SpecDecode.Scheduling.IEngineObserver
    {
        public void OnStep(in SpecDecode.Scheduling.StepRecord step)
        {
        }

        public void OnRound(in SpecDecode.Drafting.RoundRecord round)
        {
        }

        public void OnEnded(SpecDecode.Sequences.Sequence sequence)
        {
        }

        public void OnPassFailed(Exception error)
        {
        }
    }
}
