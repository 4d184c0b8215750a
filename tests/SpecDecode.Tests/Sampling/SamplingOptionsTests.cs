using SpecDecode.Sampling;

namespace SpecDecode.Tests.Sampling;

public class SamplingOptionsTests
{
    public static TheoryData<SamplingOptions, string> Wrong => new()
    {
        { new() { Temperature = -0.1f }, "Temperature is -0.1: give 0 (greedy) or more." },
        { new() { Temperature = float.NaN }, "Temperature is NaN: give 0 (greedy) or more." },
        { new() { Temperature = float.PositiveInfinity }, "Temperature is Infinity: give 0 (greedy) or more." },
        { new() { TopK = -1 }, "TopK is -1: give 1 or more, or 0 for no limit." },
        { new() { TopP = 0 }, "TopP is 0: give a probability above 0, at most 1 (no limit)." },
        { new() { TopP = 1.01f }, "TopP is 1.01: give a probability above 0, at most 1 (no limit)." },
        { new() { TopP = float.NaN }, "TopP is NaN: give a probability above 0, at most 1 (no limit)." },
        { new() { MinP = -0.01f }, "MinP is -0.01: give a share from 0 (no limit) to 1." },
        { new() { MinP = 1.5f }, "MinP is 1.5: give a share from 0 (no limit) to 1." },
        { new() { MinP = float.NaN }, "MinP is NaN: give a share from 0 (no limit) to 1." },
        { new() { TopNSigma = -0.5f }, "TopNSigma is -0.5: give a number of standard deviations, or 0 for no limit." },
        { new() { TopNSigma = float.NaN }, "TopNSigma is NaN: give a number of standard deviations, or 0 for no limit." },
        { new() { TopNSigma = float.PositiveInfinity }, "TopNSigma is Infinity: give a number of standard deviations, or 0 for no limit." },
        { new() { ChoiceIndex = -1 }, "ChoiceIndex is -1: give 0 or more." },
        { new() { Acceptance = (AcceptanceRule)3 }, "Acceptance is 3: give Greedy, Rejection or SharedNoise." },
        { new() { Temperature = 1, Acceptance = AcceptanceRule.Greedy }, "Acceptance is Greedy, but Temperature is 1: greedy acceptance belongs to temperature 0; use Rejection or SharedNoise." },
        { new() { Acceptance = AcceptanceRule.Rejection }, "Acceptance is Rejection, but Temperature is 0: nothing is drawn there; use Greedy, or a higher temperature." },
        { new() { Acceptance = AcceptanceRule.SharedNoise }, "Acceptance is SharedNoise, but Temperature is 0: nothing is drawn there; use Greedy, or a higher temperature." },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void A_value_out_of_range_is_answered_with_its_place_and_the_mend(SamplingOptions options, string error) =>
        Assert.Equal(error, Assert.Single(options.Errors()));

    [Theory]
    [InlineData(0f, 0, 1f, 0f)]
    [InlineData(float.Epsilon, 1, float.Epsilon, float.Epsilon)]
    [InlineData(float.MaxValue, int.MaxValue, 1f, 1f)]
    public void The_ends_of_every_range_are_allowed(float temperature, int topK, float topP, float minP) =>
        Assert.Empty(new SamplingOptions { Temperature = temperature, TopK = topK, TopP = topP, MinP = minP, TopNSigma = temperature, Seed = long.MinValue, ChoiceIndex = int.MaxValue }.Errors());

    [Theory]
    [InlineData(0f, null, AcceptanceRule.Greedy)]
    [InlineData(0f, 5L, AcceptanceRule.Greedy)]
    [InlineData(1f, null, AcceptanceRule.Rejection)]
    [InlineData(1f, 5L, AcceptanceRule.SharedNoise)]
    public void The_rule_follows_from_temperature_and_seed(float temperature, long? seed, AcceptanceRule rule) =>
        Assert.Equal(rule, new SamplingOptions { Temperature = temperature, Seed = seed }.EffectiveAcceptance);

    [Fact]
    public void Samplers_of_one_seed_draw_the_same_and_others_do_not()
    {
        SamplingOptions options = new() { Temperature = 1, Seed = -7 };
        Assert.Equal(Draws(options), Draws(options));
        Assert.Equal(Draws(options), Draws(options with { Acceptance = AcceptanceRule.Rejection }));
        List<string> others =
        [
            Draws(options), Draws(options with { Seed = 7 }), Draws(options with { ChoiceIndex = 1 }), Draws(options with { ChoiceIndex = int.MaxValue }),
            Draws(options with { Seed = long.MaxValue }), Draws(options with { Seed = null }), Draws(options with { Seed = null }),
        ];
        Assert.Equal(others.Count, others.Distinct().Count());

        static string Draws(SamplingOptions options)
        {
            Sampler sampler = new(options);
            return string.Join(' ', [sampler.Random.At(0, RandomUse.Draw), sampler.Random.At(1, RandomUse.Draw), sampler.Noise(0).Of(0), sampler.Noise(1).Of(0), sampler.Noise(1).Of(1)]);
        }
    }
}
