using SpecDecode.Caching;
using SpecDecode.Drafting;
using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;
using SpecDecode.Tests.Scheduling;

namespace SpecDecode.Tests.Sampling;

public class SamplingAllocationTests
{
    public static TheoryData<SamplingOptions> Options => [.. new SamplingOptions[]
    {
        new() { Temperature = 1 }, new() { Temperature = 0.7f, TopK = 5 }, new() { Temperature = 1.3f, TopP = 0.8f }, new() { Temperature = 1, MinP = 0.1f },
        new() { Temperature = 1, TopK = 9, TopP = 0.9f, MinP = 0.05f }, new() { Temperature = 1, TopNSigma = 1 },
    }.SelectMany(options => (SamplingOptions[])
    [
        options with { Seed = 3, Acceptance = AcceptanceRule.SharedNoise }, options with { Seed = 3, Acceptance = AcceptanceRule.Rejection },
    ])];

    [Theory]
    [MemberData(nameof(Options))]
    public void A_steady_step_that_samples_allocates_nothing(SamplingOptions options)
    {
        ScriptedStages stages = new(new ScriptedModel(2, 301, 78), 32, 5);
        FakeKvMemory.Prepare(stages.Pages, 6, 4_002);
        EngineStep step = new(stages);
        List<Sequence> live = [.. Enumerable.Range(0, 6).Select(i => new Sequence(
            [i, i + 9], 4_000, new HashSet<int>(), new KvCache(stages.Pages, 4_002),
            i % 3 == 0 ? null : new DraftPlan { Plan = LayerPlan.EarlyExit(2, 1), Length = i, Threshold = i % 2 * 0.5f }, new Sampler(options)))];
        // Every place of a draft must have met its largest support.
        for (int i = 0; i < 600; i++)
        {
            step.Run(live);
        }

        Assert.Equal(0, AllocatedBytes.EachTime(() =>
        {
            for (int i = 0; i < 150; i++)
            {
                step.Run(live);
            }
        }));
        Assert.All(live, sequence => Assert.Null(sequence.FinishReason));
        Assert.True(live.Sum(sequence => sequence.Statistics.Accepted) > 0 && live.Sum(sequence => sequence.Statistics.Corrections) > 0);
    }
}
