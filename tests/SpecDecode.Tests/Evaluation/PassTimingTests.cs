using SpecDecode.Generation;
using SpecDecode.Plans;
using SpecDecode.Tests.Generation;

namespace SpecDecode.Tests.Evaluation;

[Collection(nameof(TalesModels))]
public class PassTimingTests(TalesModels models)
{
    [Fact]
    public void Timing_a_pass_leaves_the_model_as_it_was()
    {
        GenerationRequest request = new() { Prompt = "The dog", MaxTokens = 10 };
        IReadOnlyList<int> before = models.Wide.Generate(request, cancellationToken: TestContext.Current.CancellationToken).Tokens;
        Assert.True(models.Wide.TimePass(LayerPlan.EarlyExit(12, 2), rows: 5, past: 20, repetitions: 3) > TimeSpan.Zero);
        Assert.Equal(before, models.Wide.Generate(request, cancellationToken: TestContext.Current.CancellationToken).Tokens);
    }

    [Theory]
    [InlineData(0, 0, 1)]
    [InlineData(513, 0, 1)]
    [InlineData(1, -1, 1)]
    [InlineData(1, 1024, 1)]
    [InlineData(1, int.MaxValue, 1)]
    [InlineData(1, 0, 0)]
    public void Numbers_out_of_range_are_refused(int rows, int past, int repetitions) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => models.Wide.TimePass(LayerPlan.Full(12), rows, past, repetitions));

    [Fact]
    public void A_plan_of_a_deeper_model_is_refused() =>
        Assert.Throws<ArgumentException>(() => models.Wide.TimePass(LayerPlan.Full(13), 1));
}
