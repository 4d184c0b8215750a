using SpecDecode.Caching;
using SpecDecode.Constraints;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;
using SpecDecode.Tests.Generation;
using SpecDecode.Tests.Scheduling;

namespace SpecDecode.Tests.Constraints;

/// <summary>Constraints in the step, on a scripted model.</summary>
public class ConstrainedTextTests
{
    private static readonly HashSet<int> NoEnd = [];

    [Fact]
    public void A_forced_run_takes_no_pass_of_the_drafter_and_changes_no_text()
    {
        ScriptedModel model = new(3, 40, 9);
        (int steps, int forced) = (0, 0);
        for (int seed = 0; seed < 200; seed++)
        {
            (Sequence plain, int plainSteps) = Write(model, seed, forces: false);
            (Sequence run, int runSteps) = Write(model, seed, forces: true);
            Assert.Equal(plain.NewTokens, run.NewTokens);
            Assert.Equal(0, run.Statistics.DraftRows);

            // Forced tokens are what the logits say as well, so all of them stand.
            Assert.Equal(run.Statistics.Forced, run.Statistics.Accepted);
            Assert.Equal(0, run.Statistics.LookedUp);
            forced += (int)run.Statistics.Forced;
            steps += plainSteps - runSteps;
        }

        Assert.True(forced > 1_000, $"{forced} forced");
        Assert.Equal(forced, steps);

        static (Sequence Sequence, int Steps) Write(ScriptedModel model, int seed, bool forces)
        {
            ScriptedStages stages = new(model, 64);
            int[] prompt = [seed % 40, 3, 5];
            Sequence sequence = new(prompt, 30, NoEnd, new KvCache(stages.Pages, 33))
            {
                Constraints = new SequenceConstraints([new HashedConstraint(seed, forces)], new TokenConstraintContext(prompt, 40, NoEnd, null)),
            };
            EngineStep step = new(stages);
            int steps = 0;
            for (; sequence.FinishReason is null; steps++)
            {
                step.Run([sequence]);
            }

            return (sequence, steps);
        }
    }

    [Fact]
    public async Task What_a_constraint_throws_ends_its_request_and_no_other()
    {
        using ScriptedService service = new();
        foreach (DraftingOptions drafting in (DraftingOptions[])[DraftingOptions.None, ScriptedService.Draft])
        {
            for (int call = 0; call < 30; call++)
            {
                GenerationRequest good = ScriptedService.Request(call) with { Drafting = drafting };
                Task<GenerationResult> neighbour = service.Generator.CompleteAsync(good, TestContext.Current.CancellationToken);
                SpecDecodeException error = await Assert.ThrowsAsync<SpecDecodeException>(() => service.Generator.CompleteAsync(
                    ScriptedService.Request(call + 100) with { Drafting = drafting, Constraints = [new Throwing(call)] }, TestContext.Current.CancellationToken));
                Assert.Contains("told to throw", error.Message, StringComparison.Ordinal);
                Assert.Equal(ScriptedService.Expected(good), (await neighbour).Tokens);
            }
        }

        await service.AssertNothingIsHeld();
    }

    [Fact]
    public async Task Where_constraints_leave_nothing_the_request_fails_with_a_sentence()
    {
        using ScriptedService service = new();
        GenerationRequest request = ScriptedService.Request() with
        {
            Drafting = ScriptedService.Draft, LogitBias = Enumerable.Range(0, ScriptedService.Model.Vocabulary).ToDictionary(token => token, _ => float.NegativeInfinity),
        };
        SpecDecodeException error = await Assert.ThrowsAsync<SpecDecodeException>(() => service.Generator.CompleteAsync(request, TestContext.Current.CancellationToken));
        Assert.Contains("leave no token that could be number 1 of the text", error.Message, StringComparison.Ordinal);
        await service.AssertNothingIsHeld();
    }

    [Fact]
    public async Task Banned_tokens_do_not_occur_and_are_not_proposed()
    {
        using ScriptedService service = new();
        GenerationRequest request = ScriptedService.Request(maxTokens: 60) with { Drafting = ScriptedService.Draft };
        int[] banned = [.. ScriptedService.Expected(request).Distinct().Take(5)];
        GenerationResult drafted = await service.Generator.CompleteAsync(request with { BannedTokens = banned }, TestContext.Current.CancellationToken);
        GenerationResult plain = await service.Generator.CompleteAsync(request with { BannedTokens = banned, Drafting = null }, TestContext.Current.CancellationToken);
        Assert.Empty(drafted.Tokens.Intersect(banned));
        Assert.Equal(plain.Tokens, drafted.Tokens);
        Assert.True(drafted.Drafting.Accepted > 0);
    }

    private sealed class Throwing(int call) : ITokenConstraint, ITokenConstraintState
    {
        private int _calls;

        public ITokenConstraintState Begin(TokenConstraintContext context) => this;

        public void Advance(int token) => Count();

        public void Rollback(int count) => Count();

        public void Process(Span<float> logits) => Count();

        public bool Allows(int token)
        {
            Count();
            return true;
        }

        private void Count()
        {
            if (_calls++ >= call)
            {
                throw new InvalidOperationException("This constraint was told to throw.");
            }
        }
    }
}
