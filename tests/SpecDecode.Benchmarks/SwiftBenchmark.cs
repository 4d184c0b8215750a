using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using SpecDecode.Calibration;
using SpecDecode.Drafting;
using SpecDecode.Evaluation;
using SpecDecode.Generation;
using SpecDecode.LayerSearch;
using SpecDecode.Models;
using SpecDecode.Plans;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;

namespace SpecDecode.Benchmarks;

/// <summary>
/// What the search for layers to leave out comes to while a model serves: texts with idle time among them, then the plan that it has found beside the best
/// skip set of an off-line calibration, both judged on other texts; and what texts wait for each other's tokens, with the search on and off in turn.
/// </summary>
internal static class SwiftBenchmark
{
    private const int NewTokens = 100;

    public static Command Command()
    {
        Option<string> model = new("--model") { Required = true, Description = "Checkpoint folder." };
        Option<string> prompts = new("--prompts") { Required = true, Description = "A prompt a line." };
        Option<string> precision = new("--precision") { DefaultValueFactory = _ => "stored", Description = "Of the weights." };
        Option<int> tokens = new("--tokens") { DefaultValueFactory = _ => 3000, Description = "New tokens from the cold start." };
        Option<double> idle = new("--idle") { DefaultValueFactory = _ => 60, Description = "Idle seconds among them." };
        Option<double> budget = new("--budget") { DefaultValueFactory = _ => 5, Description = "Minutes of the calibration that it is compared with; 0 leaves it out." };
        Command command = new("swift", "What the search for layers to leave out comes to while a model serves.") { model, prompts, precision, tokens, idle, budget };
        command.SetAction(arguments => Run(
            arguments.GetValue(model)!, File.ReadAllLines(arguments.GetValue(prompts)!), Enum.Parse<Precision>(arguments.GetValue(precision)!, ignoreCase: true),
            arguments.GetValue(tokens), arguments.GetValue(idle), arguments.GetValue(budget)));
        return command;
    }

    private static void Run(string folder, string[] prompts, Precision precision, int tokens, double idle, double minutes)
    {
        ModelOptions options = new() { Precision = precision };
        RuntimeOptions runtime = new() { Threads = 2 };
        LayerPlan found;
        using (LoadedModel model = ModelLoader.Load(folder, options, runtime, Console.Error.WriteLine, null, default))
        {
            SchedulerLimits limits = new(8, 1L << 30, 256) { SearchShare = runtime.SearchShare };
            found = Search(model, limits, prompts, tokens, idle);
            Wait(model, limits, prompts);
        }

        if (minutes > 0)
        {
            using TextModel calibrated = TextModel.Load(folder, options, runtime);
            CalibrationReport report = calibrated.Calibrate(
                [.. prompts.Select(prompt => new GenerationRequest { Prompt = prompt, IgnoreEndOfSequence = true })],
                new CalibrationOptions { Budget = TimeSpan.FromMinutes(minutes), Methods = ["even", "random", "bayesian", "greedy", "clasp"] });
            CalibratedPlan best = report.Plans.Where(plan => plan.Plan.Blocks.Any(block => block.Layer == calibrated.LayerCount - 1)).MaxBy(plan => plan.ExpectedSpeedup)!;
            Print($"calibrated   {best.Plan}: expected {best.ExpectedSpeedup:f3} ({best.Method}, {report.Tried.Count} plans)");
            Compare(folder, options, runtime, prompts, found, best.Plan);
        }
    }

    private static LayerPlan Search(LoadedModel model, SchedulerLimits limits, string[] prompts, int tokens, double idle)
    {
        Scheduler scheduler = new(model.Stages, limits);
        RequestIntake intake = RequestIntake.Of(model, limits.KvBytes);
        using SpareWork spare = new(model.Stages, scheduler, intake.Drafting.Swift, limits.SearchShare);
        int texts = tokens / NewTokens;
        for (int text = 0; text < texts; text++)
        {
            Sequence sequence = Sequence(intake, prompts[text % prompts.Length], 1 + text / prompts.Length, DraftingStrategy.Swift);
            scheduler.Add(sequence);
            while (!scheduler.IsIdle)
            {
                spare.RunAfter(scheduler.Step().Time);
            }

            long start = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(start).TotalSeconds < idle / texts && spare.RunIdle())
            {
                if (spare.HasAdopted)
                {
                    LayerSearchState state = spare.State!;
                    Print($"text {text,3}     tried {state.Tried}, without attention [{string.Join(',', state.SkippedAttention)}] and MLP [{string.Join(',', state.SkippedMlp)}]: expected {state.ExpectedSpeedup:f3}, after {state.Time.TotalSeconds:f1} s");
                }
            }
        }

        LayerSearchState last = spare.State!;
        Print($"found        {intake.Drafting.Swift.Plans[0].Plan}: expected {last.ExpectedSpeedup:f3}, tried {last.Tried}, adopted {last.Adopted}, resting {last.IsResting}, {last.Time.TotalSeconds:f1} s{(spare.Error is { } error ? ", failed: " + error : "")}");
        return intake.Drafting.Swift.Plans[0].Plan;
    }

    // Without idle time. Both sides draft by the same plan; on one of them a search goes on.
    private static void Wait(LoadedModel model, SchedulerLimits limits, string[] prompts)
    {
        List<double>[] steps = [[], []];
        Scheduler[] schedulers = [new(model.Stages, limits), new(model.Stages, limits)];
        RequestIntake[] intakes = [RequestIntake.Of(model, limits.KvBytes), RequestIntake.Of(model, limits.KvBytes)];
        using SpareWork spare = new(model.Stages, schedulers[1], intakes[1].Drafting.Swift, limits.SearchShare);
        for (int text = 0; text < 3 * prompts.Length; text++)
        {
            for (int side = 0; side < 2; side++)
            {
                schedulers[side].Add(Sequence(intakes[side], prompts[text % prompts.Length], 1, DraftingStrategy.Swift));
                schedulers[side].Step();
                while (!schedulers[side].IsIdle)
                {
                    long start = Stopwatch.GetTimestamp();
                    StepRecord step = schedulers[side].Step();
                    if (side == 1)
                    {
                        spare.RunAfter(step.Time);
                    }

                    steps[side].Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                }
            }
        }

        Print($"steps, ms    median {At(steps[0], 0.5):f3} off, {At(steps[1], 0.5):f3} on ({At(steps[1], 0.5) / At(steps[0], 0.5):f3}); 95th percentile {At(steps[0], 0.95):f3} off, {At(steps[1], 0.95):f3} on ({At(steps[1], 0.95) / At(steps[0], 0.95):f3}); search {spare.State?.Time.TotalSeconds / steps[1].Sum() * 1000:p2} of the time");
    }

    private static void Compare(string folder, ModelOptions options, RuntimeOptions runtime, string[] prompts, LayerPlan found, LayerPlan calibrated)
    {
        using LoadedModel model = ModelLoader.Load(folder, options, runtime, Console.Error.WriteLine, null, default);
        SchedulerLimits limits = new(8, 1L << 30, 256);
        Scheduler scheduler = new(model.Stages, limits);
        RequestIntake intake = RequestIntake.Of(model, limits.KvBytes);
        BlockCosts costs = BlockCosts.Measure(model.Stages, PlanAgreement.DefaultLength, 64, TimeSpan.FromSeconds(2), default);
        AgreementTally[] tallies = [new(PlanAgreement.DefaultLength), new(PlanAgreement.DefaultLength)];
        PlanCandidate[] plans = [new(found), new(calibrated)];
        foreach (string prompt in prompts)
        {
            // Other texts than those that were searched on.
            Sequence sequence = Sequence(intake, prompt + " Then", 1, DraftingStrategy.None);
            scheduler.Add(sequence);
            while (!scheduler.IsIdle)
            {
                scheduler.Step();
            }

            WrittenText text = TextReading.Read(model.Stages, sequence.Known, sequence.PromptLength, default);
            using Caching.KvCache cache = text.Cache;
            PlanAgreement agreement = new(model.Stages, plans, [text]);
            agreement.Run(default);
            tallies[0].Add(agreement.Of(0));
            tallies[1].Add(agreement.Of(1));
        }

        double[] speedups = [.. plans.Select((plan, i) => costs.Of(plan, PlanAgreement.DefaultLength).Best(tallies[i]).Speedup)];
        Print($"on other texts: found {speedups[0]:f3} (agreement {tallies[0].Share:f3}), calibrated {speedups[1]:f3} (agreement {tallies[1].Share:f3}), ratio {speedups[0] / speedups[1]:f3}");
    }

    private static Sequence Sequence(RequestIntake intake, string prompt, int seed, string strategy) => intake.Accept(
        new GenerationRequest
        {
            Prompt = prompt, MaxTokens = NewTokens, IgnoreEndOfSequence = true, Drafting = new DraftingOptions { Strategy = strategy },
            Sampling = seed == 1 ? null : new Sampling.SamplingOptions { Temperature = 0.7f, Seed = seed },
        },
        new GenerationDefaults(), default).Sequence;

    private static double At(List<double> values, double share) => values.Order().ElementAt((int)(share * (values.Count - 1)));

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
