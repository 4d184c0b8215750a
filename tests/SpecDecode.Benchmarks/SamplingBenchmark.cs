using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using SpecDecode.Sampling;
using SpecDecode.Speculation;

namespace SpecDecode.Benchmarks;

/// <summary>What choosing a token costs: every rule and kind of truncation, on the drafter's side and the verifier's.</summary>
internal static class SamplingBenchmark
{
    private static readonly (string Name, SamplingOptions Options)[] Limits =
    [
        ("no limit", new() { Temperature = 1 }),
        ("top-k 50", new() { Temperature = 1, TopK = 50 }),
        ("top-p 0.95", new() { Temperature = 1, TopP = 0.95f }),
        ("min-p 0.05", new() { Temperature = 1, MinP = 0.05f }),
        ("top-n-sigma 1", new() { Temperature = 1, TopNSigma = 1 }),
        ("top-k 1000, top-p 0.95, min-p 0.02", new() { Temperature = 1, TopK = 1000, TopP = 0.95f, MinP = 0.02f }),
    ];

    public static Command Command()
    {
        Option<int> vocabulary = new("--vocabulary") { DefaultValueFactory = _ => 150_000, Description = "Tokens." };
        Option<int> repeat = new("--repeat") { DefaultValueFactory = _ => 400, Description = "Choices of each kind." };
        Command command = new("sampling", "What choosing a token costs, in microseconds; medians.") { vocabulary, repeat };
        command.SetAction(arguments => Run(arguments.GetValue(vocabulary), arguments.GetValue(repeat)));
        return command;
    }

    private static void Run(int vocabulary, int repeat)
    {
        Print($"{vocabulary} tokens; microseconds, medians of {repeat}");
        float[][] rows = Rows(vocabulary, peaked: true);
        Print($"greedy: {Median(repeat, i => Greedy.Pick(rows[i % 8])):f0}");
        Print($"confidence (softmax of the whole row): {Median(repeat, i => (int)(1000 * Softmax.Probability(new(rows[i % 8]), 5))):f0}");
        foreach (bool peaked in (bool[])[true, false])
        {
            Print($"");
            Print($"| limits, {(peaked ? "peaked" : "flat")} rows | tokens left | finding the cut | shared noise: a choice | rejection: drawing a token (drafter, bonus) | judging a draft token, accepted | rejected |");
            Print($"|---|---|---|---|---|---|---|");
            rows = Rows(vocabulary, peaked);
            Random random = new(2);
            float[][] drafterRows = [.. rows.Select(row => row.Select(logit => logit + 0.7f * Normal(random)).ToArray())];
            foreach ((string name, SamplingOptions options) in Limits)
            {
                Measure(name, options, rows, drafterRows, repeat);
            }
        }
    }

    private static void Measure(string name, SamplingOptions options, float[][] rows, float[][] drafterRows, int repeat)
    {
        Truncation truncation = new();
        TokenDistribution p = new();
        TokenDistribution residual = new();
        TokenDistribution[] q = [.. drafterRows.Select(_ => new TokenDistribution())];
        RandomNumbers random = new(1, 0);
        for (int i = 0; i < q.Length; i++)
        {
            q[i].Fill(new(drafterRows[i]), truncation, options);
        }

        double cut = Median(repeat, i => truncation.Find(new(rows[i % 8]), options).LastTie);
        double noise = Median(repeat, i =>
        {
            LogitRow row = new(rows[i % 8]);
            return new GumbelNoise(7, 0, (uint)i).ArgMax(row, truncation.Find(row, options), options.Temperature);
        });
        void FillTarget(int i) => p.Fill(new(rows[i % 8]), truncation, options);

        double draw = Median(repeat, i =>
        {
            FillTarget(i);
            return p.Draw(random.At(i, RandomUse.Draw));
        });
        double accepted = Median(repeat, i =>
        {
            FillTarget(i);
            return RejectionSampling.Accepts(p, q[i % 8], i, random.At(i, RandomUse.Draw)) ? 1 : 0;
        });
        double rejected = Median(repeat, i =>
        {
            FillTarget(i);
            return RejectionSampling.DrawResidual(p, q[i % 8], residual, random.At(i, RandomUse.Draw));
        });
        Print($"| {name} | {p.Count - p.Weights.Count(0)} | {cut:f0} | {noise:f0} | {draw:f0} | {accepted:f0} | {rejected:f0} |");
    }

    private static double Median(int repeat, Func<int, int> choose)
    {
        double[] times = new double[repeat];
        int sum = 0;

        // Code is compiled for speed only after a while.
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < repeat || Stopwatch.GetElapsedTime(begin).TotalMilliseconds < 1000; i++)
        {
            sum += choose(i);
        }

        for (int i = 0; i < repeat; i++)
        {
            long start = Stopwatch.GetTimestamp();
            sum += choose(i);
            times[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        }

        GC.KeepAlive(sum);
        Array.Sort(times);
        return times[repeat / 2];
    }

    // About normal; peaked rows, as a trained model's are where it knows what to say, have a few tokens far above.
    private static float[][] Rows(int vocabulary, bool peaked)
    {
        Random random = new(1);
        float[][] rows = [.. Enumerable.Range(0, 8).Select(_ => Enumerable.Range(0, vocabulary).Select(_ => 2.5f * Normal(random)).ToArray())];
        foreach (float[] row in rows)
        {
            for (int i = 0; peaked && i < 40; i++)
            {
                row[random.Next(vocabulary)] = 10 + 4 * Normal(random);
            }
        }

        return rows;
    }

    private static float Normal(Random random) =>
        (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(Math.Tau * random.NextDouble()));

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
