using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Numerics.Tensors;
using SpecDecode.Caching;
using SpecDecode.Models.Checkpoints;
using SpecDecode.Models.Descriptions;
using SpecDecode.Models.Families;
using SpecDecode.Models.Weights;
using SpecDecode.OnnxRuntime;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Plans;
using SpecDecode.Scheduling;

namespace SpecDecode.Benchmarks;

/// <summary>Plain decoding by the engine's step against the same layers in one fused session, in turns.</summary>
internal static class StagesBenchmark
{
    private const int PromptLength = 16;

    public static Command Command()
    {
        Option<string> model = new("--model") { Required = true, Description = "Checkpoint folder." };
        Option<int> threads = new("--threads") { DefaultValueFactory = _ => 2, Description = "Threads that compute." };
        Option<int> tokens = new("--tokens") { DefaultValueFactory = _ => 64, Description = "New tokens in each turn." };
        Option<int> repeat = new("--repeat") { DefaultValueFactory = _ => 5, Description = "Turns of each." };
        Command command = new("stages", "Plain decoding by stages against one fused session.") { model, threads, tokens, repeat };
        command.SetAction(arguments => Run(
            arguments.GetValue(model)!, arguments.GetValue(threads), arguments.GetValue(tokens), arguments.GetValue(repeat)));
        return command;
    }

    private static void Run(string folder, int threads, int tokens, int repeat)
    {
        RuntimeOptions options = new() { Threads = threads };
        using Checkpoint checkpoint = Checkpoint.Open(folder);
        DecoderDescription model = ModelFamilies.Describe(checkpoint);
        RuntimeEnvironment environment = RuntimeEnvironment.Get(options, Console.Error.WriteLine);
        using PreparedWeights weights = new WeightCache(null).Open(checkpoint, checkpoint.Fingerprint(), model, null, default);
        int capacity = PromptLength + tokens;
        StageSessions sessions = StageSessions.Create(model, weights, environment, options, null, default);
        using OnnxStages stages = new(model, sessions, new CpuBufferAllocator(), capacity, maxRows: 256);
        using FusedDecoder fused = new(model, weights, environment, options, capacity);

        // One turn of each to warm up; their outputs are compared.
        (double _, long _, int[] staged) = Staged(stages, capacity);
        (double _, int[] whole) = Fused(fused, capacity);
        List<double> ratios = [];
        for (int turn = 0; turn < repeat; turn++)
        {
            (double stagedMs, long bytes, staged) = Staged(stages, capacity);
            (double fusedMs, whole) = Fused(fused, capacity);
            ratios.Add(stagedMs / fusedMs);
            Print($"turn {turn + 1}: stages {stagedMs:f2} ms per token ({bytes} managed bytes), fused {fusedMs:f2} ms, ratio {stagedMs / fusedMs:f3}");
        }

        ratios.Sort();
        Print($"median ratio {ratios[ratios.Count / 2]:f3} ({ratios[0]:f3} to {ratios[^1]:f3}), same tokens: {staged.SequenceEqual(whole)}");
        foreach (int rows in (int[])[1, 2, 3, 5, 9, 17])
        {
            Print($"{rows,2} rows in a pass: {PassMs(stages, rows):f2} ms");
        }
    }

    private static (double MsPerToken, long BytesPerToken, int[] Tokens) Staged(OnnxStages stages, int capacity)
    {
        using Sequence sequence = new(Prompt(), capacity - PromptLength, new HashSet<int>(), new KvCache(stages.CreateKvStorage(capacity)));
        EngineStep step = new(stages);
        List<Sequence> live = [sequence];
        step.Run(live);
        step.Run(live);
        long bytes = GC.GetAllocatedBytesForCurrentThread();
        long start = Stopwatch.GetTimestamp();
        int steps = 0;
        for (; sequence.FinishReason is null; steps++)
        {
            step.Run(live);
        }

        double ms = Stopwatch.GetElapsedTime(start).TotalMilliseconds / steps;
        return (ms, (GC.GetAllocatedBytesForCurrentThread() - bytes) / steps, sequence.NewTokens.ToArray());
    }

    private static (double MsPerToken, int[] Tokens) Fused(FusedDecoder fused, int capacity)
    {
        int[] prompt = Prompt();
        List<int> tokens = [];
        int token = 0;
        for (int i = 0; i < prompt.Length; i++)
        {
            token = TensorPrimitives.IndexOfMax(fused.Next(prompt[i], i));
        }

        tokens.Add(token);
        long start = Stopwatch.GetTimestamp();
        for (int position = prompt.Length; position < capacity - 1; position++)
        {
            token = TensorPrimitives.IndexOfMax(fused.Next(token, position));
            tokens.Add(token);
        }

        return (Stopwatch.GetElapsedTime(start).TotalMilliseconds / (tokens.Count - 1), [.. tokens]);
    }

    private static double PassMs(OnnxStages stages, int rows)
    {
        using KvCache cache = new(stages.CreateKvStorage(stages.MaxSequenceLength));
        RowBatch batch = new(rows);
        batch.Add(cache, 0, Prompt().Concat(Prompt()).Take(rows).ToArray());
        LayerPlan plan = LayerPlan.Full(stages.LayerCount);
        int[] scored = [.. Enumerable.Range(0, rows)];
        List<double> times = [];
        for (int i = 0; i < 20; i++)
        {
            long start = Stopwatch.GetTimestamp();
            stages.Embed(batch);
            Pass.Run(stages, plan.Blocks.AsSpan(), batch);
            stages.Head(scored);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        times.Sort();
        return times[times.Count / 2];
    }

    private static int[] Prompt() => [.. Enumerable.Range(1, PromptLength)];

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
