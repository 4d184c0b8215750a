using System.Collections.Frozen;
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;

namespace SpecDecode.Benchmarks;

/// <summary>What share of a step attention is, in a model that decodes several sequences of one length.</summary>
internal static class AttentionShareBenchmark
{
    public static Command Command()
    {
        Option<string> model = new("--model") { Required = true, Description = "Checkpoint folder." };
        Option<Precision> precision = new("--precision") { DefaultValueFactory = _ => Precision.Int8, Description = "Precision of the weights." };
        Option<KvPrecision> kvPrecision = new("--kv-precision") { DefaultValueFactory = _ => KvPrecision.Fp32, Description = "Precision of keys and values." };
        Option<int[]> sequences = new("--sequences") { DefaultValueFactory = _ => [1, 8], AllowMultipleArgumentsPerToken = true, Description = "Sequences at the same time." };
        Option<int[]> past = new("--past") { DefaultValueFactory = _ => [256], AllowMultipleArgumentsPerToken = true, Description = "Positions before the first step that counts." };
        Option<int> steps = new("--steps") { DefaultValueFactory = _ => 60, Description = "Steps that count." };
        Option<int> threads = new("--threads") { DefaultValueFactory = _ => 2, Description = "Threads that compute." };
        Command command = new("attention-share", "The share of a step that attention is.") { model, precision, kvPrecision, sequences, past, steps, threads };
        command.SetAction(arguments => Run(
            new RuntimeOptions { Threads = arguments.GetValue(threads), KvPrecision = arguments.GetValue(kvPrecision) },
            arguments.GetValue(model)!, arguments.GetValue(precision), arguments.GetValue(sequences)!, arguments.GetValue(past)!, arguments.GetValue(steps)));
        return command;
    }

    private static void Run(RuntimeOptions runtime, string folder, Precision precision, int[] sequences, int[] past, int steps)
    {
        using BareModel model = new(folder, precision, runtime);

        // Block by block: a segment's attention is not timed apart.
        using OnnxStages stages = model.Stages(hasSegments: false, past.Max() + steps + 16, Math.Max(256, sequences.Max()));
        Console.WriteLine($"weights {precision}, {runtime.Threads} threads, keys and values {runtime.KvPrecision}, at most {stages.MaxSequenceLength} positions; medians of {steps} steps of one new token a sequence");
        Console.WriteLine();
        Console.WriteLine("| sequences | past | step, ms | attention, ms | share |");
        Console.WriteLine("|---|---|---|---|---|");

        // Once before anything is told: code is compiled then.
        Measure(stages, sequences[0], past[0], steps, isTold: false);
        foreach (int count in sequences)
        {
            foreach (int length in past)
            {
                Measure(stages, count, length, steps, isTold: true);
            }
        }
    }

    private static void Measure(OnnxStages stages, int count, int past, int steps, bool isTold)
    {
        Scheduler scheduler = new(stages, SchedulerLimits.Of(new RuntimeOptions { PrefixCache = 0 }, long.MaxValue, 0));
        Random random = new(1);
        for (int i = 0; i < count; i++)
        {
            int[] prompt = [.. Enumerable.Range(0, past).Select(_ => random.Next(stages.VocabularySize))];
            scheduler.Add(new Sequence(prompt, steps + 8, FrozenSet<int>.Empty, null));
        }

        List<(double Step, double Attention)> times = [];
        while (!scheduler.IsIdle)
        {
            long attention = stages.AttentionTicks;
            StepRecord step = scheduler.Step();
            if (step.PromptRows == 0 && step.VerifyRows == count)
            {
                times.Add((step.Time.TotalMilliseconds, (stages.AttentionTicks - attention) * 1e3 / Stopwatch.Frequency));
            }
        }

        if (isTold)
        {
            double all = Median(times.Select(time => time.Step)), attention = Median(times.Select(time => time.Attention));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {count} | {past} | {all:f2} | {attention:f2} | {Median(times.Select(time => time.Attention / time.Step)):p1} |"));
        }
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(values.Count() / 2);
}
