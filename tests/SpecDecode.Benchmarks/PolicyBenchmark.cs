using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using SpecDecode.Drafting;
using SpecDecode.Generation;

namespace SpecDecode.Benchmarks;

/// <summary>What share of a step <c>auto</c> takes to decide: the time inside its policy, in texts that a model writes.</summary>
internal static class PolicyBenchmark
{
    private const int NewTokens = 128;

    public static Command Command()
    {
        Option<string> model = new("--model") { Required = true, Description = "Checkpoint folder." };
        Option<string> prompts = new("--prompts") { Required = true, Description = "A prompt a line." };
        Option<Precision> precision = new("--precision") { DefaultValueFactory = _ => Precision.Bf16, Description = "Precision of the weights." };
        Command command = new("policy", "The share of a step that auto takes to decide.") { model, prompts, precision };
        command.SetAction(arguments => Run(arguments.GetValue(model)!, File.ReadAllLines(arguments.GetValue(prompts)!), arguments.GetValue(precision)));
        return command;
    }

    private static void Run(string folder, string[] prompts, Precision precision)
    {
        using TextModel model = TextModel.Load(folder, new ModelOptions { Precision = precision }, new RuntimeOptions { Threads = 2 });
        Console.WriteLine($"{prompts.Length} texts of {NewTokens} tokens, {precision}; steps that read prompts left out");
        Console.WriteLine();
        Console.WriteLine("| texts at a time | steps | step, µs | plan, µs | after passes, µs | observe, µs | share |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        foreach (int together in (int[])[1, 4, prompts.Length])
        {
            TimedPolicy policy = new(new AutoDraftPolicy(model.LayerCount));
            Measure(model, policy, prompts, together);
            (long steps, TimeSpan time) = Measure(model, policy, prompts, together);
            double Each(long ticks) => ticks * 1e6 / Stopwatch.Frequency / steps;
            double step = time.TotalMicroseconds / steps;
            double policyTime = Each(policy.PlanTicks + policy.AfterTicks + policy.ObserveTicks);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {together} | {steps} | {step:f0} | {Each(policy.PlanTicks):f2} | {Each(policy.AfterTicks):f2} | {Each(policy.ObserveTicks):f2} | {policyTime / step:p2} |"));
        }
    }

    // The first time the policy knows nothing, and its code is not compiled for good.
    private static (long Steps, TimeSpan Time) Measure(TextModel model, TimedPolicy policy, string[] prompts, int together)
    {
        DraftingOptions drafting = new DraftingOptions { Strategy = DraftingStrategy.Auto }.WithPolicy(policy);
        long steps = 0;
        TimeSpan time = default;
        policy.Clear();
        foreach (string[] group in prompts.Chunk(together))
        {
            model.Generate(
                [.. group.Select(prompt => new GenerationRequest { Prompt = prompt, MaxTokens = NewTokens, IgnoreEndOfSequence = true, Drafting = drafting })],
                onToken: null,
                onStep: step =>
                {
                    if (step.PromptRows == 0)
                    {
                        steps++;
                        time += step.Time;
                    }
                },
                cancellationToken: default);
        }

        return (steps, time);
    }

    /// <summary>Another policy, and the time inside it in steps that read no prompt.</summary>
    private sealed class TimedPolicy(IDraftPolicy inner) : IDraftPolicy
    {
        public long PlanTicks { get; private set; }

        public long AfterTicks { get; private set; }

        public long ObserveTicks { get; private set; }

        public void Clear() => (PlanTicks, AfterTicks, ObserveTicks) = (0, 0, 0);

        public void Plan(DraftStep drafts)
        {
            long start = Stopwatch.GetTimestamp();
            inner.Plan(drafts);
            PlanTicks += drafts.PromptRows == 0 ? Stopwatch.GetTimestamp() - start : 0;
        }

        public void AfterPass(DraftStep drafts, DraftPass pass)
        {
            long start = Stopwatch.GetTimestamp();
            inner.AfterPass(drafts, pass);
            AfterTicks += drafts.PromptRows == 0 ? Stopwatch.GetTimestamp() - start : 0;
        }

        public void Observe(DraftStep drafts)
        {
            long start = Stopwatch.GetTimestamp();
            inner.Observe(drafts);
            ObserveTicks += drafts.PromptRows == 0 ? Stopwatch.GetTimestamp() - start : 0;
        }
    }
}
