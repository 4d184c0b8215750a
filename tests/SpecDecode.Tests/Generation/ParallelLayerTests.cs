using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Plans;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.Generation;

/// <summary>Layers whose MLP reads what their attention reads: rows may be kept and taken up again between the two.</summary>
public sealed class ParallelLayerTests
{
    private const int NewTokens = 60;

    [Theory]
    [InlineData("gpt_neox")]
    [InlineData("gpt_neox_tied_newer_keys")]
    public void Drafts_that_are_exact_up_to_the_middle_of_a_layer_give_the_plain_text(string fixture)
    {
        using TextModel model = Load(fixture);
        int layers = model.LayerCount;
        LayerPlan[] plans =
        [
            .. Enumerable.Range(0, layers).Select(layer => LayerPlan.LayerSkip(layers, [], [layer])),
            .. Enumerable.Range(0, layers).Select(layer => LayerPlan.Of(layers, LayerPlan.Full(layers).Blocks.Take(2 * layer + 1))),
        ];
        Assert.All(plans, plan => Assert.Equal(1, plan.ExactDepth % 2));

        int[][] prompts = [.. plans.Select((_, i) => (int[])[(5 + 7 * i) % 90, (11 * i) % 90, 3, 40])];
        int[][] plain = [.. prompts.Select(prompt => (int[])[.. Generate(model, Request(prompt, null))[0].Tokens])];
        for (int length = 1; length <= 5; length += 2)
        {
            GenerationRequest[] requests = [.. plans.Select((plan, i) => Request(prompts[i], DraftingOptions.Of(plan) with { DraftLength = length }))];
            IReadOnlyList<GenerationResult> together = Generate(model, requests);
            for (int i = 0; i < plans.Length; i++)
            {
                Assert.Equal(plain[i], together[i].Tokens);
                Assert.Equal(plain[i], Generate(model, requests[i])[0].Tokens);
                Assert.True(together[i].Drafting.Drafted > 0);
            }
        }
    }

    [Fact]
    public void An_MLP_reads_the_residual_as_it_is_unless_its_layers_attention_ran_just_before()
    {
        using FixtureCheckpoint inTurn = new("gpt_neox");
        inTurn.Config(("use_parallel_residual", false));
        using TextModel sequential = PlainModel.Load(
            inTurn.Folder, new ModelOptions { CacheFolder = inTurn.Cache }, cancellationToken: TestContext.Current.CancellationToken);
        using TextModel parallel = Load("gpt_neox");
        Block a0 = new(BlockKind.Attention, 0), m0 = new(BlockKind.Mlp, 0), a1 = new(BlockKind.Attention, 1), m1 = new(BlockKind.Mlp, 1);
        bool Same(params Block[] blocks) => Logits(sequential, blocks).SequenceEqual(Logits(parallel, blocks));

        Assert.True(Same(m0));
        Assert.True(Same(m0, a0));
        Assert.True(Same(a0, m1));
        Assert.True(Same(a0, a1, m0));
        Assert.False(Same(a0, m0));
        Assert.False(Same(a0, a1, m1));
        Assert.NotEqual(Logits(parallel, [a0, m0, m0]), Logits(parallel, [a0, m0]));
    }

    private static IReadOnlyList<float> Logits(TextModel model, Block[] blocks) =>
        model.Evaluate([1, 2, 3], LayerPlan.Of(model.LayerCount, blocks), TestContext.Current.CancellationToken).LastLogits;

    private static GenerationRequest Request(int[] prompt, DraftingOptions? draft) =>
        new() { Tokens = prompt, MaxTokens = NewTokens, IgnoreEndOfSequence = true, Drafting = draft };

    private static IReadOnlyList<GenerationResult> Generate(TextModel model, params GenerationRequest[] requests) =>
        model.Generate(requests, cancellationToken: TestContext.Current.CancellationToken);

    private static TextModel Load(string fixture) =>
        PlainModel.Load(Path.Combine(TestFolders.Fixtures, fixture), new ModelOptions { CacheFolder = TestFolders.WeightCache });
}
