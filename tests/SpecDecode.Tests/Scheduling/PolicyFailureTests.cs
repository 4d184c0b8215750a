using Microsoft.Extensions.Logging;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Hosting;
using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;
using SpecDecode.Tests.Generation;

namespace SpecDecode.Tests.Scheduling;

/// <summary>What a policy does wrong harms no text, is told, and ends after three times.</summary>
public class PolicyFailureTests
{
    private static readonly ScriptedModel Model = new(3, 31, 5);
    private static readonly DraftPlan[] Plans =
        [new() { Plan = LayerPlan.EarlyExit(3, 2) }, new() { Plan = LayerPlan.EarlyExit(3, 1), Length = 4 }];

    private static readonly SamplingOptions Noise = new() { Temperature = 1, Seed = 4, Acceptance = AcceptanceRule.SharedNoise };

    public static TheoryData<PolicyFault> Faults => [.. Enum.GetValues<PolicyFault>()];

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_policy_that_fails_harms_no_text_and_is_not_asked_again_after_three_times(PolicyFault fault)
    {
        FaultyPolicy faulty = new(fault, Model.Vocabulary);
        using ScriptedStages stages = new(Model, 64);
        Scheduler scheduler = new(stages, SchedulerLimits.None);
        Sequence[] failing = [New(1, new SequenceDrafting(faulty, Plans, 6)), New(2, new SequenceDrafting(faulty, Plans, 6), Noise)];
        Sequence unharmed = New(3, Plans[1], Noise);
        Sequence plain = New(4, null);
        Sequence[] all = [failing[0], unharmed, plain, failing[1]];
        Array.ForEach(all, scheduler.Add);
        int told = 0;
        while (!scheduler.IsIdle)
        {
            int before = failing[0].DraftFailures;
            scheduler.Step();
            Assert.Equal(failing[0].DraftFailures > before, scheduler.PolicyError is not null);
            told += scheduler.PolicyError is null ? 0 : 1;
            Assert.True(scheduler.PolicyError is null or ScriptedFailureException or ArgumentException or InvalidOperationException, $"{scheduler.PolicyError}");
        }

        Assert.Equal((3, 3), (told, faulty.PlanCalls));
        Assert.All(failing, sequence => Assert.Equal(3, sequence.DraftFailures));
        foreach (Sequence sequence in all)
        {
            Sequence alone = Alone(New(sequence.Prompt[1], null, sequence.Sampler.Options));
            Assert.Equal(alone.NewTokens, sequence.NewTokens);
            Assert.Equal(FinishReason.Length, sequence.FinishReason);
        }

        // One that is given up in the middle of a step keeps what was drafted until then; what was judged was drafted.
        Sequence fixedAlone = Alone(New(3, Plans[1], Noise));
        Assert.Equal(Counts(fixedAlone.Statistics), Counts(unharmed.Statistics));
        Assert.Equal(0, unharmed.DraftFailures);
        int drafted = fault switch
        {
            PolicyFault.AfterPassThrows or PolicyFault.AnotherPlanBehindAPass or PolicyFault.TokensBehindAPass => 3,
            PolicyFault.ObserveThrows or PolicyFault.ChoiceAfterJudgement or PolicyFault.TokensAfterJudgement => 3 * 6,
            _ => 0,
        };
        Assert.All(failing, sequence => Assert.Equal(drafted, sequence.Statistics.Drafted));
        Assert.Equal(drafted == 18 ? 3 : 0, faulty.Observed);
    }

    [Fact]
    public void Of_a_sequence_that_is_cancelled_in_the_middle_of_a_step_nothing_is_told()
    {
        for (int seed = 0; seed < 60; seed++)
        {
            using ScriptedStages stages = new(Model, 64);
            Scheduler scheduler = new(stages, SchedulerLimits.None);
            NotingPolicy policy = new();
            Sequence[] sequences = [.. Enumerable.Range(0, 3).Select(i => New(seed + i, new SequenceDrafting(policy, Plans, 5)))];
            Array.ForEach(sequences, scheduler.Add);
            for (int i = 0; i < 3; i++)
            {
                scheduler.Step();
            }

            // In a pass of the drafter, so that there is a draft already, or none yet.
            Sequence victim = sequences[seed % 3];
            int calls = 1 + seed % 17;
            stages.DuringCall = (_, _) =>
            {
                if (--calls == 0)
                {
                    victim.RequestCancellation();
                }
            };
            policy.Observed.Clear();
            scheduler.Step();
            stages.DuringCall = null;
            Assert.Equal(sequences.Where(sequence => sequence != victim).Select(sequence => sequence.Prompt[1]), policy.Observed);
            Assert.Null(scheduler.PolicyError);
            while (!scheduler.IsIdle)
            {
                scheduler.Step();
            }

            Assert.Equal(FinishReason.Cancelled, victim.FinishReason);
            foreach (Sequence sequence in sequences.Where(sequence => sequence != victim))
            {
                Assert.Equal(Alone(New(sequence.Prompt[1], null)).NewTokens, sequence.NewTokens);
            }
        }
    }

    [Fact]
    public async Task The_engine_tells_its_observer_and_the_log_has_event_20()
    {
        NotingObserver inner = new();
        NotingLogger logger = new();
        using ScriptedService service = new(observer: new LoggingObserver(inner, logger, "story"));
        FaultyPolicy faulty = new(PolicyFault.AfterPassThrows, ScriptedService.Model.Vocabulary);
        GenerationRequest request = ScriptedService.Request(maxTokens: 30) with
        {
            Drafting = (DraftingOptions.Of(LayerPlan.EarlyExit(4, 2)) with { DraftLength = 5 }).WithPolicy(new SecondPlan(faulty)),
        };
        GenerationResult result = await service.Generator.CompleteAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(ScriptedService.Expected(request), result.Tokens);
        await service.AssertNothingIsHeld();
        Assert.Equal(3, inner.Errors.Count);
        Assert.All(inner.Errors, error => Assert.IsType<ScriptedFailureException>(error));
        Assert.Equal([20, 20, 20], logger.Events.Select(entry => entry.Id));
        Assert.All(logger.Events, entry => Assert.Contains("story", entry.Text, StringComparison.Ordinal));
    }

    private static (long Drafted, long Accepted, long Rounds, long Corrections) Counts(DraftingStatistics statistics) =>
        (statistics.Drafted, statistics.Accepted, statistics.Rounds, statistics.Corrections);

    private static Sequence New(int prompt, SequenceDrafting? drafting, SamplingOptions? sampling = null) =>
        new([7, prompt], 60, new HashSet<int>(), null, drafting, new Sampler(sampling ?? SamplingOptions.Greedy));

    private static Sequence Alone(Sequence sequence)
    {
        using ScriptedStages stages = new(Model, 64);
        Scheduler scheduler = new(stages, SchedulerLimits.None);
        scheduler.Add(sequence);
        while (!scheduler.IsIdle)
        {
            scheduler.Step();
        }

        return sequence;
    }

    // Where options name one plan.
    private sealed class SecondPlan(FaultyPolicy policy) : IDraftPolicy
    {
        public void Plan(DraftStep drafts) => drafts.Drafts[0].Choose(drafts.Drafts[0].Plans[0], 2);

        public void AfterPass(DraftStep drafts, DraftPass pass) => policy.AfterPass(drafts, pass);

        public void Observe(DraftStep drafts) => policy.Observe(drafts);
    }

    private sealed class NotingPolicy : IDraftPolicy
    {
        public List<int> Observed { get; } = [];

        public void Plan(DraftStep drafts)
        {
            foreach (SequenceDraft draft in drafts.Drafts)
            {
                draft.Choose(draft.Plans[0], Math.Min(3, draft.Limit));
            }
        }

        public void AfterPass(DraftStep drafts, DraftPass pass)
        {
        }

        public void Observe(DraftStep drafts)
        {
            Observed.AddRange(drafts.Drafts.Select(draft => draft.Tokens[1]));
            Assert.All(drafts.Drafts, draft => Assert.True(draft.OutputTokens > 0));
        }
    }

    private sealed class NotingObserver : IEngineObserver
    {
        public List<Exception> Errors { get; } = [];

        public void OnStep(in StepRecord step)
        {
        }

        public void OnRound(in RoundRecord round)
        {
        }

        public void OnEnded(Sequence sequence)
        {
        }

        public void OnPassFailed(Exception error) => Assert.Fail(error.Message);

        public void OnPolicyFailed(Exception error) => Errors.Add(error);
    }

    private sealed class NotingLogger : ILogger
    {
        public List<(int Id, string Text)> Events { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Events.Add((eventId.Id, formatter(state, exception)));
    }
}
