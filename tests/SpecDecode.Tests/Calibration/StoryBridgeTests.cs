using SpecDecode.Benchmarks;
using SpecDecode.Calibration;
using SpecDecode.Drafting;
using SpecDecode.Evaluation;
using SpecDecode.Generation;
using SpecDecode.Models;
using SpecDecode.Plans;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;

namespace SpecDecode.Tests.Calibration;

/// <summary>Bridges fitted to the story model, and to a copy whose exits say nothing.</summary>
public sealed class StoryBridgeTests : IDisposable
{
    private const int NewTokens = 64;

    private static readonly string[] Prompts = [.. File.ReadLines(Path.Combine(TestFolders.Repository, "tests", "SpecDecode.Benchmarks", "stories.txt")).Where((_, line) => line % 6 == 0)];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Bridges_restore_more_than_half_of_what_exits_lose_in_another_basis_than_the_heads()
    {
        RuinedExits.Write(TestFolders.StoryModel, _folder.Path);
        using LoadedModel story = Load(TestFolders.StoryModel);
        using LoadedModel ruined = Load(_folder.Path);
        Scheduler storyScheduler = new(story.Stages, SchedulerLimits.None);
        Scheduler scheduler = new(ruined.Stages, SchedulerLimits.None);
        int[][] tokens = [.. Prompts.Select(prompt => story.Tokenizer!.Encode(prompt))];
        CalibrationSetting setting = Setting(ruined, scheduler, tokens);

        // At full depth it says the same, and at its exits nothing.
        int[][] written = [.. Enumerable.Range(0, tokens.Length).Select(prompt => Write(Setting(story, storyScheduler, tokens), prompt))];
        Assert.Equal(written, Enumerable.Range(0, tokens.Length).Select(prompt => Write(setting, prompt)));
        int[] exits = [2, 3, 4];
        double[] whole = Agreement(story, written, tokens, [.. exits.Select(exit => LayerPlan.EarlyExit(12, exit))]);
        double[] lost = Agreement(ruined, written, tokens, [.. exits.Select(exit => LayerPlan.EarlyExit(13, exit))]);
        Assert.All(lost, share => Assert.InRange(share, 0, 0.1));

        BridgeFitting.Run(
            setting, [.. written.Where((_, prompt) => prompt % 2 == 0).Select(text => (ReadOnlyMemory<int>)text)], [.. Enumerable.Range(0, tokens.Length).Where(prompt => prompt % 2 == 0)],
            TimeSpan.FromMinutes(10), () => { }, TestContext.Current.CancellationToken, rowsPerChannel: 8, exits: 4);
        double[] restored = Agreement(ruined, written, tokens, [.. exits.Select(exit => LayerPlan.BridgedExit(13, exit))]);
        Assert.All(exits.Index(), exit => Assert.True(
            restored[exit.Index] - lost[exit.Index] >= (whole[exit.Index] - lost[exit.Index]) / 2, $"exit {exit.Item}: {whole[exit.Index]:f3}, {lost[exit.Index]:f3}, {restored[exit.Index]:f3}"));
    }

    [Fact]
    public void On_the_story_model_which_was_trained_to_leave_early_bridges_raise_agreement_on_text_that_nothing_was_fitted_to()
    {
        using LoadedModel story = Load(TestFolders.StoryModel);
        Scheduler scheduler = new(story.Stages, SchedulerLimits.None);
        int[][] tokens = [.. File.ReadLines(Path.Combine(TestFolders.Repository, "tests", "SpecDecode.Benchmarks", "stories.txt")).Select(prompt => story.Tokenizer!.Encode(prompt))];
        CalibrationSetting setting = Setting(story, scheduler, tokens) with { Options = new CalibrationOptions { MaxTokens = 120 } };
        int[] even = [.. Enumerable.Range(0, tokens.Length).Where(prompt => prompt % 2 == 0)];
        int[] odd = [.. Enumerable.Range(0, tokens.Length).Where(prompt => prompt % 2 == 1)];
        Dictionary<int, int[]> written = [];
        TextWriting.WriteSideBySide(
            setting, odd.Length, i => new Sequence(tokens[odd[i % odd.Length]], 120, setting.EndOfSequence, null), text => written.TryAdd(Array.FindIndex(tokens, prompt => text.Known.Span.StartsWith(prompt)), text.Known.ToArray()),
            () => written.Count < odd.Length, TestContext.Current.CancellationToken);

        FittedBridges fitted = BridgeFitting.Run(setting, [], even, TimeSpan.FromMinutes(10), () => { }, TestContext.Current.CancellationToken, rowsPerChannel: 60, exits: 2);
        int[] exits = [.. Enumerable.Range(1, 2).Where(exit => !fitted.Without.Contains(exit - 1))];
        Assert.NotEmpty(exits);
        int won = 0;
        int lost = 0;
        foreach (int exit in exits)
        {
            bool[] without = Agrees(story, LayerPlan.EarlyExit(12, exit), written, tokens);
            bool[] with = Agrees(story, LayerPlan.BridgedExit(12, exit), written, tokens);
            won += without.Zip(with).Count(pair => !pair.First && pair.Second);
            lost += without.Zip(with).Count(pair => pair.First && !pair.Second);
        }

        // By more than two standard errors of the difference.
        Assert.True(won - lost > 2 * Math.Sqrt(won + lost), $"exits {string.Join(", ", exits)}: {won} tokens more and {lost} fewer");
    }

    [Fact]
    public void Where_no_map_can_be_better_than_none_there_is_no_bridge()
    {
        using LoadedModel story = Load(TestFolders.StoryModel);
        int[][] texts = [.. Prompts.Take(4).Select(prompt => story.Tokenizer!.Encode(prompt))];
        PairedRows rows = PairedRows.Read(story.Stages, texts, (_, position) => position % 4 == 3, 0, 1, () => { }, TestContext.Current.CancellationToken);
        BridgeTarget target = new(
            HeadProbe.Read(story.Stages, [.. Enumerable.Range(0, 500)], TestContext.Current.CancellationToken), rows.Ends, rows.EndsApart, story.Stages.ResidualWidth);

        // Rows that are the full model's own already.
        Assert.All(target.Judge(rows.EndsApart, null).Agrees, Assert.True);
        Assert.Null(new BridgeFit(3, target).Fit(rows.Ends, rows.EndsApart, null, () => TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken));
    }

    [Fact]
    public void A_calibration_of_bridges_makes_a_profile_by_which_texts_stay_as_they_are()
    {
        string folder = _folder.File("ruined");
        RuinedExits.Write(TestFolders.StoryModel, folder);
        string profile = _folder.File("it.json");
        GenerationRequest[] prompts = [.. Prompts.Take(4).Select(prompt => new GenerationRequest { Prompt = prompt })];
        using (TextModel model = PlainModel.Load(folder, new ModelOptions { CacheFolder = TestFolders.WeightCache }, cancellationToken: TestContext.Current.CancellationToken))
        {
            CalibrationReport report = model.Calibrate(
                prompts, new CalibrationOptions { Methods = ["bridge"], Budget = TimeSpan.FromSeconds(6), MaxTokens = 48, BridgeRank = 16, StateFile = _folder.File("it.state") }, null,
                TestContext.Current.CancellationToken);
            Assert.True(report.IsComplete);
            Assert.NotEmpty(report.Plans);
            Assert.All(report.Plans, plan => Assert.True(plan.Plan.Bridge is not null && plan.SameText != false));
            Assert.All(report.Bridges, bridge => Assert.Equal((256, 16), (bridge.Width, bridge.Rank)));
            model.CreateProfile(report).Save(profile);

            // They were the calibration's own.
            Assert.Throws<ArgumentException>(() => model.Evaluate([1, 2], report.Plans[0].Plan, TestContext.Current.CancellationToken));
        }

        using TextModel loaded = PlainModel.Load(folder, new ModelOptions { CacheFolder = TestFolders.WeightCache }, cancellationToken: TestContext.Current.CancellationToken);
        foreach (GenerationRequest prompt in prompts)
        {
            GenerationRequest drafted = prompt with { Drafting = new DraftingOptions { Profile = profile } };
            GenerationResult result = loaded.Generate(drafted, null, TestContext.Current.CancellationToken);
            Assert.Equal(loaded.Generate(prompt, null, TestContext.Current.CancellationToken).Tokens, result.Tokens);
            Assert.True(result.Drafting.Drafted > 0);
        }
    }

    private static LoadedModel Load(string folder) => ModelLoader.Load(
        folder, new ModelOptions { CacheFolder = TestFolders.WeightCache }, new RuntimeOptions(), _ => { }, null, TestContext.Current.CancellationToken);

    private static CalibrationSetting Setting(LoadedModel model, Scheduler scheduler, int[][] prompts) => new(
        model.Stages, scheduler, prompts, new HashSet<int>(), 1L << 30, "", new CalibrationOptions { MaxTokens = NewTokens });

    private static int[] Write(CalibrationSetting setting, int prompt) =>
        [.. setting.Prompts[prompt], .. TextWriting.Write(setting, prompt, null, TestContext.Current.CancellationToken).NewTokens];

    // Of every new token, whether the plan's best one is it.
    private static bool[] Agrees(LoadedModel model, LayerPlan plan, Dictionary<int, int[]> written, int[][] prompts) =>
    [
        .. written.OrderBy(text => text.Key).SelectMany(text =>
        {
            IReadOnlyList<int> best = PlanEvaluation.Run(model.Stages, plan, text.Value, TestContext.Current.CancellationToken).ArgMaxPerPosition;
            return Enumerable.Range(prompts[text.Key].Length, text.Value.Length - prompts[text.Key].Length).Select(position => best[position - 1] == text.Value[position]);
        }),
    ];

    // On the prompts that nothing is fitted to.
    private static double[] Agreement(LoadedModel model, int[][] written, int[][] prompts, LayerPlan[] plans)
    {
        WrittenText[] texts =
        [
            .. written.Index().Where(text => text.Index % 2 == 1).Select(text => TextReading.Read(model.Stages, text.Item, prompts[text.Index].Length, TestContext.Current.CancellationToken)),
        ];
        PlanAgreement agreement = new(model.Stages, [.. plans.Select(plan => new PlanCandidate(plan))], texts);
        agreement.Run(TestContext.Current.CancellationToken);
        Array.ForEach(texts, text => text.Cache.Dispose());
        return [.. plans.Select((_, i) => agreement.Of(i).Share)];
    }
}
