using SpecDecode.Calibration;
using SpecDecode.Scheduling;
using SpecDecode.Tests.Scheduling;

namespace SpecDecode.Tests.Calibration;

/// <summary>A whole calibration on a scripted model, whose texts and agreement do not depend on the machine.</summary>
public sealed class CalibrationRunTests : IDisposable
{
    private const int Layers = 5;

    private static readonly ScriptedModel Model = new(Layers, 31, 7);

    private readonly TemporaryFolder _folder = new();

    private string StateFile => _folder.File("profile.json.state");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_calibration_searches_judges_and_measures_and_leaves_nothing_behind()
    {
        using ScriptedStages stages = new(Model, 128);
        List<CalibrationProgress> told = [];
        CalibrationReport report = Run(stages, Options(), told.Add);

        Assert.True(report.IsComplete);
        Assert.Equal(CalibrationOptions.AllMethods, report.Methods.Select(method => method.Name));

        // The scripted model has no residual that a bridge could be fitted to.
        Assert.All(report.Methods.Where(method => method.Name != "bridge"), method => Assert.True(method.Tried > 0 && method.Best is not null, method.Name));
        Assert.Equal((90, 60), (report.SearchTokens, report.HeldOutTokens));
        Assert.InRange(report.Plans.Count(plan => plan.MeasuredSpeedup > 0), 1, 3);
        Assert.All(report.Plans.Where(plan => plan.MeasuredSpeedup is not null), plan => Assert.True(plan.SameText));
        Assert.All(report.Plans, plan => Assert.Equal(8, plan.AgreementByPosition.Count));
        Assert.All(report.Plans, plan => Assert.InRange(plan.DraftLength, 1, 8));
        Assert.Equal(report.Plans.Select(plan => plan.MeasuredSpeedup ?? 0).OrderDescending(), report.Plans.Select(plan => plan.MeasuredSpeedup ?? 0));
        Assert.Equal(report.Methods.Sum(method => method.Tried), report.Tried.Count);
        Assert.Contains(report.Tried, plan => plan.IsOnFront);

        // Only exits, also those that others guess for, leave out the last layer, and drafts run on both weights.
        Assert.Contains(report.Tried, plan => plan.UsesDraftWeights && plan.Plan.Blocks.Length == 2 * Layers);
        Assert.All(report.Tried.Where(plan => plan.Method is not ("exits" or "cascade")), plan => Assert.True(plan.Plan.Blocks[^1].Layer == Layers - 1 && plan.UsesDraftWeights));
        Assert.Equal(0, stages.Pages.Used);
        Assert.False(File.Exists(StateFile));
        Assert.Equal(told.Select(progress => progress.Phase).Order(), told.Select(progress => progress.Phase));
        Assert.Equal(Enum.GetValues<CalibrationPhase>(), told.Select(progress => progress.Phase).Distinct());
    }

    [Fact]
    public void Costs_are_measured_behind_texts_of_other_lengths_and_each_is_told()
    {
        using ScriptedStages stages = new(Model, 128);
        CalibrationReport report = Run(stages, Options() with { Methods = ["knapsack", "even"], Lengths = [20, 90] });
        Assert.True(report.IsComplete);
        Assert.Equal(2, report.Notes.Count(note => note.StartsWith("Behind ", StringComparison.Ordinal)));

        // A length belongs to one plan at most.
        Assert.Equal(report.Plans.SelectMany(plan => plan.FromLengths).Distinct().Count(), report.Plans.Sum(plan => plan.FromLengths.Count));
    }

    [Fact]
    public void Methods_that_go_by_agreement_alone_try_the_same_plans_in_each_run()
    {
        CalibrationOptions options = Options() with { Methods = ["clasp", "EVEN", "exits"] };
        using ScriptedStages first = new(Model, 128);
        using ScriptedStages second = new(Model, 256, maxScoredRows: 5);
        IEnumerable<(string, string, bool, double)> Tried(ScriptedStages stages) =>
            Run(stages, options).Tried.Select(plan => (plan.Method, plan.Plan.ToString(), plan.UsesDraftWeights, plan.Agreement));
        Assert.Equal(Tried(first).Where(plan => plan.Item1 != "clasp"), Tried(second).Where(plan => plan.Item1 != "clasp"));
        Assert.Equal(["exits", "even", "clasp"], Tried(first).Select(plan => plan.Item1).Distinct());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(6)]
    [InlineData(9)]
    [InlineData(12)]
    [InlineData(20)]
    public void A_calibration_that_was_cancelled_anywhere_tells_what_it_knows_and_goes_on_there(int reports)
    {
        using ScriptedStages stages = new(Model, 128);
        using CancellationTokenSource cancellation = new();
        int told = 0;
        CalibrationReport cancelled = Run(
            stages, Options(),
            _ =>
            {
                if (++told == reports)
                {
                    cancellation.Cancel();
                }
            }, cancellation);

        Assert.False(cancelled.IsComplete);
        Assert.Equal(reports, told);
        Assert.True(File.Exists(StateFile));
        Assert.Equal(0, stages.Pages.Used);
        (string, string, double)[] known = [.. cancelled.Tried.Select(plan => (plan.Method, plan.Plan.ToString(), plan.Agreement))];
        int passes = stages.Passes;
        bool hasWrittenAnew = false;
        CalibrationReport whole = Run(stages, Options(), progress => hasWrittenAnew |= progress.Phase == CalibrationPhase.Writing && progress.Done <= reports);

        Assert.True(whole.IsComplete);
        Assert.False(hasWrittenAnew);
        Assert.True(stages.Passes > passes);
        Assert.False(File.Exists(StateFile));
        Assert.True(whole.Elapsed > cancelled.Elapsed);

        // What was tried before comes first, with the same figures, and each plan of a method once.
        foreach (IGrouping<string, (string, string, double)> method in known.GroupBy(plan => plan.Item1))
        {
            (string, string, double)[] all = [.. whole.Tried.Where(plan => plan.Method == method.Key).Select(plan => (plan.Method, plan.Plan.ToString(), plan.Agreement))];
            Assert.Equal(method, all.Take(method.Count()));
        }

        Assert.Equal(whole.Tried.Count, whole.Tried.DistinctBy(plan => (plan.Method, plan.Plan, plan.UsesDraftWeights)).Count());
    }

    [Fact]
    public void A_budget_that_is_gone_at_once_still_gives_a_result_of_each_method()
    {
        using ScriptedStages stages = new(Model, 128);
        CalibrationReport report = Run(stages, Options() with { Budget = TimeSpan.FromTicks(1) });
        Assert.True(report.IsComplete);
        Assert.All(report.Methods.Where(method => method.Name is not ("clasp" or "bridge")), method => Assert.True(method.Tried > 0));
        Assert.NotNull(report.Plans[0].MeasuredSpeedup);
        Assert.Contains(report.Notes, note => note.Contains("Of 5 prompts 2 were used", StringComparison.Ordinal));
    }

    [Fact]
    public void Texts_that_end_at_once_are_told()
    {
        using ScriptedStages stages = new(Model, 128);
        SpecDecodeException error = Assert.Throws<SpecDecodeException>(() =>
            CalibrationRun.Run(Setting(stages, Options(), [.. Enumerable.Range(0, 31)]), null, TestContext.Current.CancellationToken));
        Assert.Contains("too short", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, stages.Pages.Used);
    }

    [Fact]
    public void A_model_of_which_a_method_can_leave_out_nothing_is_told()
    {
        using ScriptedStages stages = new(new ScriptedModel(2, 31, 7), 128);
        SpecDecodeException error = Assert.Throws<SpecDecodeException>(() => Run(stages, Options() with { Methods = ["even", "greedy"] }));
        Assert.Contains("2 layers", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_that_fails_ends_it_with_the_error_and_without_memory()
    {
        using ScriptedStages stages = new(Model, 128);
        stages.DuringCall = (pass, _) =>
        {
            if (pass == 300)
            {
                throw new ScriptedFailureException();
            }
        };
        Assert.ThrowsAny<Exception>(() => Run(stages, Options()));
        Assert.Equal(0, stages.Pages.Used);
    }

    [Theory]
    [InlineData("", "damaged")]
    [InlineData("null", "damaged")]
    [InlineData("[]", "damaged")]
    [InlineData("{}", "damaged")]
    [InlineData("\"key\": \"the key\"=>\"key\": \"other\"", "of another model")]
    [InlineData("specdecode-calibration-2=>specdecode-calibration-9", "its format")]
    [InlineData("\"reached\":[=>\"reached\":[-1,", "counts")]
    [InlineData("\"agreed\":[=>\"agreed\":[9999999,", "counts")]
    [InlineData("\"blocks\":\"A0 =>\"blocks\":\"A77 ", "none of this model")]
    [InlineData("\"blocks\":\"A0 =>\"blocks\":\"B0 ", "none of this model")]
    [InlineData("\"texts\":[[=>\"texts\":[[31,", "a token that the model does not have")]
    [InlineData("\"texts\":[[=>\"texts\":[null,[", "a token that the model does not have")]
    [InlineData("\"rows\":[1,=>\"rows\":[1,1,", "times")]
    [InlineData("\"rows\":[1,=>\"rows\":[", "times")]
    [InlineData("\"ends\":[=>\"ends\":[-1,", "times")]
    [InlineData("\"texts\":[[=>\"texts\":[[1],[1],[1],[1],[1],[1],[", "more texts than there are prompts")]
    [InlineData("\"texts\":[[=>\"texts\":[[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,", "too long")]
    [InlineData("\"seconds\":=>\"seconds\":9e300,\"Seconds\":", "damaged")]
    [InlineData("\"seconds\":0.=>\"seconds\":-0.", "no time")]
    [InlineData("\"seconds\":0.=>\"seconds\":9e300", "damaged")]
    [InlineData("\"drafter\":{=>\"drafter\":null,\"nobody\":{", "damaged")]
    [InlineData("\"texts\"=>\"text\"", "damaged")]
    [InlineData("\"texts\":[=>\"texts\":[[", "damaged")]
    public void A_damaged_state_is_refused_with_what_is_wrong_and_what_to_do(string damage, string complaint)
    {
        using ScriptedStages stages = new(Model, 128);
        string sound = CancelledState(stages);
        string damaged = damage.Split("=>") is [var from, var to] ? sound.Replace(from, to, StringComparison.Ordinal) : damage;
        damaged = damage.StartsWith("\"key\"", StringComparison.Ordinal) ? sound.Replace("the key", "other", StringComparison.Ordinal) : damaged;
        Assert.NotEqual(sound, damaged);
        File.WriteAllText(StateFile, damaged);

        SpecDecodeException error = Assert.Throws<SpecDecodeException>(() => Run(stages, Options()));
        Assert.StartsWith(StateFile, error.Message, StringComparison.Ordinal);
        Assert.Contains(complaint, error.Message, StringComparison.Ordinal);
        Assert.Contains("remove", error.Message, StringComparison.Ordinal);
        Assert.Equal(damaged, File.ReadAllText(StateFile));
    }

    [Fact]
    public void A_state_cut_off_or_with_a_bit_changed_is_refused_or_goes_on_and_never_anything_else()
    {
        using ScriptedStages stages = new(Model, 128);
        byte[] sound = System.Text.Encoding.UTF8.GetBytes(CancelledState(stages));
        Random random = new(3);
        int refused = 0;
        for (int i = 0; i < 60; i++)
        {
            byte[] damaged = i % 2 == 0 ? sound[..random.Next(sound.Length)] : [.. sound];
            if (i % 2 == 1)
            {
                damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
            }

            File.WriteAllBytes(StateFile, damaged);
            try
            {
                Run(stages, Options() with { Budget = TimeSpan.FromTicks(1), Methods = ["exits"] });
            }
            catch (SpecDecodeException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 30, 60);
        Assert.Equal(0, stages.Pages.Used);
    }

    [Fact]
    public void A_state_that_cannot_be_written_ends_it_with_a_sentence()
    {
        using ScriptedStages stages = new(Model, 128);
        SpecDecodeException error = Assert.Throws<SpecDecodeException>(() =>
            Run(stages, Options() with { StateFile = Path.Combine(_folder.Path, "nowhere", "state") }));
        Assert.Contains("cannot be written", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, stages.Pages.Used);
        Directory.CreateDirectory(StateFile);
        Assert.Contains("damaged", Assert.Throws<SpecDecodeException>(() => Run(stages, Options())).Message, StringComparison.Ordinal);
    }

    private static CalibrationReport Run(
        ScriptedStages stages, CalibrationOptions options, Action<CalibrationProgress>? told = null, CancellationTokenSource? cancellation = null) =>
        CalibrationRun.Run(
            Setting(stages, options, []), told is null ? null : new Told(told), cancellation?.Token ?? TestContext.Current.CancellationToken);

    // Five prompts, the first, third and fifth of which are searched on.
    internal static CalibrationSetting Setting(ScriptedStages stages, CalibrationOptions options, HashSet<int> ends) => new(
        stages, new Scheduler(stages, SchedulerLimits.None), [.. Enumerable.Range(0, 5).Select(i => (int[])[i, 2 * i + 1, 5])], ends, long.MaxValue, "the key", options);

    private CalibrationOptions Options() => new() { Budget = TimeSpan.FromSeconds(2), MaxTokens = 30, StateFile = StateFile };

    private string CancelledState(ScriptedStages stages)
    {
        using CancellationTokenSource cancellation = new();
        int told = 0;
        Run(stages, Options(), _ =>
        {
            if (++told == 9)
            {
                cancellation.Cancel();
            }
        }, cancellation);
        return File.ReadAllText(StateFile);
    }

    private sealed class Told(Action<CalibrationProgress> report) : IProgress<CalibrationProgress>
    {
        public void Report(CalibrationProgress value) => report(value);
    }
}
