using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.LayerSearch;
using SpecDecode.Models;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;

#pragma warning disable xUnit1051 // Every call takes a second at most.

namespace SpecDecode.Tests.LayerSearch;

/// <summary>The search on the story model: another plan is found, and texts are those of plain decoding before, meanwhile and after.</summary>
public sealed class StorySearchTests
{
    private static readonly string[] Prompts = ["Once upon a time", "Tom had a red ball.", "The dog saw a cat.", "Lily and her mom went", "One day, a boy", "Mia liked to draw."];

    [Fact]
    public void Texts_stay_the_same_while_plans_change()
    {
        using LoadedModel model = ModelLoader.Load(
            TestFolders.StoryModel, new ModelOptions { CacheFolder = TestFolders.WeightCache }, new RuntimeOptions(), _ => { }, null, TestContext.Current.CancellationToken);
        SchedulerLimits limits = new(4, 1L << 30, 256);
        Scheduler scheduler = new(model.Stages, limits);
        RequestIntake intake = RequestIntake.Of(model, limits.KvBytes);
        using SpareWork spare = new(model.Stages, scheduler, intake.Drafting.Swift, 0.5);
        List<int[]> plain = [.. Prompts.Select(prompt => Write(prompt, DraftingStrategy.None))];
        string begun = intake.Drafting.Swift.Plans[0].Plan.ToString();
        for (int turn = 0; turn < 4 && spare.State?.Adopted is not > 1; turn++)
        {
            Assert.Equal(plain, Prompts.Select(prompt => Write(prompt, DraftingStrategy.Swift)));
            for (int slice = 0; slice < 6000 && spare.RunIdle(); slice++)
            {
            }
        }

        Assert.Null(spare.Error);
        LayerSearchState state = spare.State!;
        TestContext.Current.SendDiagnosticMessage($"{state}, {intake.Drafting.Swift.Plans[0].Plan}");
        Assert.True(state.Adopted > 0 && intake.Drafting.Swift.Plans[0].Plan.ToString() != begun, state.ToString());
        Assert.Equal(plain, Prompts.Select(prompt => Write(prompt, DraftingStrategy.Swift)));

        int[] Write(string prompt, string strategy)
        {
            Sequence sequence = intake.Accept(
                new GenerationRequest { Prompt = prompt, MaxTokens = 80, IgnoreEndOfSequence = true, Drafting = new DraftingOptions { Strategy = strategy } },
                new GenerationDefaults(), TestContext.Current.CancellationToken).Sequence;
            scheduler.Add(sequence);
            while (!scheduler.IsIdle)
            {
                spare.RunAfter(scheduler.Step().Time);
            }

            Assert.Null(sequence.Error);
            return sequence.NewTokens.ToArray();
        }
    }

    [Fact]
    public void A_call_of_a_text_model_tells_how_far_the_search_is()
    {
        using TextModel model = TextModel.Load(TestFolders.StoryModel, new ModelOptions { CacheFolder = TestFolders.WeightCache }, new RuntimeOptions { SearchShare = 0.5f });
        Assert.Null(model.LayerSearch);
        GenerationRequest[] requests = [.. Prompts.Select(prompt => new GenerationRequest { Prompt = prompt, MaxTokens = 100, IgnoreEndOfSequence = true })];
        IReadOnlyList<GenerationResult> plain = model.Generate(requests);
        Assert.Null(model.LayerSearch);
        for (int turn = 0; turn < 3; turn++)
        {
            IReadOnlyList<GenerationResult> drafted = model.Generate(
                [.. requests.Select(request => request with { Drafting = new DraftingOptions { Strategy = DraftingStrategy.Swift } })]);
            Assert.Equal(plain.Select(result => result.Tokens), drafted.Select(result => result.Tokens));
        }

        Assert.NotNull(model.LayerSearch);
        Assert.Equal([1, 3, 5, 7, 9], model.LayerSearch.Adopted == 0 ? model.LayerSearch.SkippedMlp : [1, 3, 5, 7, 9]);
    }
}
