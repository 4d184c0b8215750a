using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using SpecDecode.Caching;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Benchmarks;

/// <summary>Passes whose blocks are called one by one, and in segments, in turn.</summary>
internal static class SegmentsBenchmark
{
    private const int Past = 64;

    // More than a segment's run must have come before it is one, by far.
    private const int WarmUps = 40;

    public static Command Command()
    {
        Option<string> model = new("--model") { Required = true, Description = "Checkpoint folder." };
        Option<int> threads = new("--threads") { DefaultValueFactory = _ => 2, Description = "Threads that compute." };
        Option<int> passes = new("--passes") { DefaultValueFactory = _ => 400, Description = "Passes of each." };
        Option<Precision> precision = new("--precision") { DefaultValueFactory = _ => Precision.Stored, Description = "Precision of the stages." };
        Command command = new("segments", "Blocks called one by one against segments.") { model, threads, passes, precision };
        command.SetAction(arguments => Run(
            arguments.GetValue(model)!, arguments.GetValue(precision), arguments.GetValue(threads), arguments.GetValue(passes)));
        return command;
    }

    private static void Run(string folder, Precision precision, int threads, int passes)
    {
        RuntimeOptions options = new() { Threads = threads };
        using BareModel model = new(folder, precision, options);
        using OnnxStages blocks = model.Stages(hasSegments: false, 2 * Past, maxRows: Past);
        using OnnxStages segments = model.Stages(hasSegments: true, 2 * Past, maxRows: Past);
        LayerPlan full = LayerPlan.Full(blocks.LayerCount);
        LayerPlan exit = LayerPlan.EarlyExit(blocks.LayerCount, Math.Max(1, blocks.LayerCount / 6));
        int depth = exit.ExactDepth;
        foreach ((string what, LayerPlan plan, int[] cuts, int rows) in ((string, LayerPlan, int[], int)[])
            [
                ("a plain token", full, [], 1), ("a draft token", exit, [], 1), ("verifying 5 rows, the exit's taken up", full, [depth], 5), ("8 rows", full, [], 8),
            ])
        {
            using Passes one = new(blocks, plan, cuts, rows);
            using Passes other = new(segments, plan, cuts, rows);
            double made = 0;
            for (int i = 0; i < WarmUps; i++)
            {
                one.Time();
                double time = other.Time();
                made = i > 2 ? Math.Max(made, time) : 0;
            }

            double[] byBlock = new double[passes];
            double[] bySegment = new double[passes];
            for (int i = 0; i < passes; i++)
            {
                byBlock[i] = one.Time();
                bySegment[i] = other.Time();
            }

            Array.Sort(byBlock);
            Array.Sort(bySegment);
            double ratio = bySegment[passes / 2] / byBlock[passes / 2];
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{what}: block by block {byBlock[passes / 2]:f3} ms, in segments {bySegment[passes / 2]:f3} ms, ratio {ratio:f3}; quartiles {byBlock[passes / 4]:f3} and {bySegment[passes / 4]:f3}; the longest pass while they were made {made:f1} ms"));
        }
    }

    private sealed class Passes : IDisposable
    {
        private readonly OnnxStages _stages;
        private readonly LayerPlan _plan;
        private readonly int[] _cuts;
        private readonly KvCache _cache;
        private readonly RowBatch _batch = new(Past);

        public Passes(OnnxStages stages, LayerPlan plan, int[] cuts, int rows)
        {
            _stages = stages;
            _plan = plan;
            _cuts = cuts;
            _cache = new KvCache(stages.Pages, 2 * Past);
            _cache.Hold(Past + rows);
            _batch.Add(_cache, 0, [.. Enumerable.Range(1, Past)]);
            Run();
            _batch.Clear();
            _batch.Add(_cache, Past, [.. Enumerable.Range(1, rows)]);
        }

        public double Time()
        {
            long start = Stopwatch.GetTimestamp();
            Run();
            return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        public void Dispose() => _cache.Dispose();

        private void Run()
        {
            _stages.Embed(_batch);
            int first = 0;
            foreach (int cut in _cuts.Append(_plan.Blocks.Length))
            {
                Pass.Run(_stages, _plan.Blocks.AsSpan()[first..cut], _batch);
                first = cut;
            }
        }
    }
}
