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
                new GenerationDefaults { Drafting = DraftingOptions.None }, TestContext.Current.CancellationToken).Sequence;
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
    public void A_prompt_that_comes_again_while_the_search_tries_plans_on_its_text_finds_what_the_model_wrote_there_and_nothing_else()
    {
        using LoadedModel model = ModelLoader.Load(
            TestFolders.StoryModel, new ModelOptions { CacheFolder = TestFolders.WeightCache }, new RuntimeOptions(), _ => { }, null, TestContext.Current.CancellationToken);
        SchedulerLimits limits = new(4, 1L << 30, 256) { PrefixCache = 0.5f }, apart = limits with { PrefixCache = 0 };
        Scheduler scheduler = new(model.Stages, limits), fresh = new(model.Stages, apart);
        RequestIntake intake = RequestIntake.Of(model, limits.KvBytes);
        using SpareWork spare = new(model.Stages, scheduler, intake.Drafting.Swift, 0.5);
        int[][] texts = [.. Prompts.Select(prompt => (int[])[.. Encode(prompt), .. Write(fresh, Encode(prompt), DraftingStrategy.None).NewTokens])];
        Random random = new(5);
        int found = 0, interrupted = 0;
        for (int turn = 0; turn < 40; turn++)
        {
            // A beginning of a text, so that pages of prompt and output are found, some of which the search reads and writes behind.
            int[] prompt = texts[turn % texts.Length][..random.Next(20, texts[turn % texts.Length].Length - 1)];
            Sequence again = Write(scheduler, prompt, DraftingStrategy.Swift), alone = Write(fresh, prompt, DraftingStrategy.None);
            Assert.Equal(alone.NewTokens.ToArray(), again.NewTokens.ToArray());
            for (int i = 0; i < alone.NewTokens.Length; i++)
            {
                Assert.Equal(Bits(alone, i), Bits(again, i));
            }

            found += again.CachedPromptTokens;
            long tried = spare.State?.Tried ?? 0;
            for (int slice = random.Next(1, 40); slice > 0 && spare.RunIdle(); slice--)
            {
            }

            interrupted += spare.State?.Tried > tried ? 1 : 0;
        }

        Assert.Null(spare.Error);
        Assert.True(found > 500 && interrupted > 0 && spare.State!.Tried > 3, $"{found} tokens found, {spare.State}");

        static int Bits(Sequence sequence, int i) => BitConverter.SingleToInt32Bits(sequence.LogProbabilities!.Of(i, sequence.NewTokens[i]).LogProbability);

        int[] Encode(string prompt) => model.Tokenizer!.Encode(prompt);

        Sequence Write(Scheduler on, int[] prompt, string strategy)
        {
            Sequence sequence = intake.Accept(
                new GenerationRequest { Tokens = prompt, MaxTokens = 50, IgnoreEndOfSequence = true, LogProbabilities = 0, Drafting = new DraftingOptions { Strategy = strategy } },
                new GenerationDefaults { Drafting = DraftingOptions.None }, TestContext.Current.CancellationToken).Sequence;
            on.Add(sequence);
            while (!on.IsIdle)
            {
                TimeSpan time = on.Step().Time;
                if (on == scheduler)
                {
                    spare.RunAfter(time);
                }
            }

            Assert.Null(sequence.Error);
            return sequence;
        }
    }

    [Fact]
    public void A_call_of_a_text_model_tells_how_far_the_search_is()
    {
        using TextModel model = PlainModel.Load(TestFolders.StoryModel, new ModelOptions { CacheFolder = TestFolders.WeightCache }, new RuntimeOptions { SearchShare = 0.5f });
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
