using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Numerics.Tensors;
using SpecDecode.Caching;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Families;
using SpecDecode.OnnxRuntime;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Plans;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;
using SpecDecode.Stages;
using SpecDecode.Weights;

namespace SpecDecode.Benchmarks;

/// <summary>Plain decoding by the engine's step against the same layers in one fused session, token by token in turn.</summary>
internal static class StagesBenchmark
{
    private const int PromptLength = 16;

    public static Command Command()
    {
        Option<string> model = new("--model") { Required = true, Description = "Checkpoint folder." };
        Option<int> threads = new("--threads") { DefaultValueFactory = _ => 2, Description = "Threads that compute." };
        Option<int> tokens = new("--tokens") { DefaultValueFactory = _ => 64, Description = "New tokens in each turn." };
        Option<int> repeat = new("--repeat") { DefaultValueFactory = _ => 5, Description = "Turns of each." };
        Option<Precision> precision = new("--precision") { DefaultValueFactory = _ => Precision.Stored, Description = "Precision of the stages." };
        Option<KernelChoice> kernels = new("--kernels") { DefaultValueFactory = _ => KernelChoice.Own, Description = "Whose kernels the stages have." };
        Option<bool> own = new("--own") { Description = "The fused session with this library's kernels, too, so that only the cutting differs; else with ONNX Runtime's operators." };
        Command command = new("stages", "Plain decoding by stages against one fused session.") { model, threads, tokens, repeat, precision, kernels, own };
        command.SetAction(arguments => Run(
            arguments.GetValue(model)!, arguments.GetValue(precision), arguments.GetValue(kernels), arguments.GetValue(own),
            arguments.GetValue(threads), arguments.GetValue(tokens), arguments.GetValue(repeat)));
        return command;
    }

    private static void Run(string folder, Precision precision, KernelChoice kernels, bool ownKernels, int threads, int tokens, int repeat)
    {
        RuntimeOptions options = new() { Threads = threads };
        using Checkpoint checkpoint = Checkpoint.Open(folder);
        DecoderDescription model = ModelFamilies.Describe(checkpoint);
        RuntimeEnvironment environment = RuntimeEnvironment.Get(options, Console.Error.WriteLine);
        WeightSettings settings = WeightSettings.Of(new ModelOptions { Precision = precision, Kernels = kernels }, checkpoint.Tensors.Values);
        using PreparedWeights weights = new WeightCache(null).Open(checkpoint, model, settings, null, default);

        // One session of nothing but ONNX Runtime's operators, which take floats of 32 bits.
        WeightSettings rowByRow = settings with
        {
            Layout = TensorLayout.Rows, Precision = settings.Quantizes ? settings.Precision : Precision.Fp32, Head = settings.Quantizes ? settings.Head : Precision.Fp32,
        };
        bool isOnlyCut = ownKernels || rowByRow == settings;
        using PreparedWeights fusedWeights = new WeightCache(null).Open(checkpoint, model, isOnlyCut ? settings : rowByRow, null, default);
        int capacity = PromptLength + tokens;
        StageSessions sessions = StageSessions.Create(model, weights, environment, options, null, default);
        CpuBufferAllocator buffers = new();
        sessions.ProbeRows(model, buffers);
        AttentionStages attention = sessions.CreateAttention(model, weights, environment, options, buffers, capacity);
        using OnnxStages stages = new(model, sessions, null, attention, sessions.CreateBridges(model, weights, environment, options, buffers, canRun: true), buffers, capacity, maxRows: 256);
        using FusedDecoder fused = new(model, fusedWeights, environment, options, capacity);

        List<double> ratios = [];
        bool same = true;
        for (int turn = 0; turn <= repeat; turn++)
        {
            Turn result = Decode(stages, fused, capacity);
            same &= result.SameTokens;
            if (turn > 0)
            {
                // The first turn warms up.
                ratios.Add(result.StagesMs / result.FusedMs);
                Print($"turn {turn}: stages {result.StagesMs:f2} ms per token ({result.BytesPerToken} managed bytes), fused {result.FusedMs:f2} ms, ratio {ratios[^1]:f3}");
            }
        }

        ratios.Sort();
        Print($"median ratio {ratios[ratios.Count / 2]:f3} ({ratios[0]:f3} to {ratios[^1]:f3}), same tokens: {same}");
        Print($"over the stages' text: {FusedAgreement.Of(stages, fused, Prompt(), capacity)}");
        if (isOnlyCut)
        {
            // ONNX Runtime's attention rounds a row that is alone otherwise than one of several; stages give it a companion.
            using FusedDecoder accompanied = new(model, fusedWeights, environment, options, capacity, hasCompanion: true);
            Print($"with a companion beside each row, as in stages: {FusedAgreement.Of(stages, accompanied, Prompt(), capacity)}");
        }

        foreach (int rows in (int[])[1, 2, 3, 5, 9, 17])
        {
            Print($"{rows,2} rows in a pass: {PassMs(stages, rows):f2} ms");
        }
    }

    // Both write the same text, a token each in turn, so that whatever else the machine does meets both; medians of the tokens.
    private static Turn Decode(OnnxStages stages, FusedDecoder fused, int capacity)
    {
        int[] prompt = Prompt();
        using Sequence sequence = new(prompt, capacity - PromptLength, new HashSet<int>(), new KvCache(stages.Pages, capacity));
        EngineStep step = new(stages);
        List<Sequence> live = [sequence];
        step.Run(live);
        int token = 0;
        for (int i = 0; i < prompt.Length; i++)
        {
            token = TensorPrimitives.IndexOfMax(fused.Next(prompt[i], i));
        }

        List<int> fusedTokens = [token];
        List<double> stagesMs = [];
        List<double> fusedMs = [];
        long bytes = 0;
        for (int position = PromptLength; position < capacity - 1; position++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            long start = Stopwatch.GetTimestamp();
            step.Run(live);
            long between = Stopwatch.GetTimestamp();
            bytes = GC.GetAllocatedBytesForCurrentThread() - before;
            token = TensorPrimitives.IndexOfMax(fused.Next(token, position));
            fusedMs.Add(Stopwatch.GetElapsedTime(between).TotalMilliseconds);
            stagesMs.Add(Stopwatch.GetElapsedTime(start, between).TotalMilliseconds);
            fusedTokens.Add(token);
        }

        stagesMs.Sort();
        fusedMs.Sort();
        return new Turn(stagesMs[stagesMs.Count / 2], fusedMs[fusedMs.Count / 2], bytes, sequence.NewTokens.SequenceEqual(fusedTokens.ToArray()));
    }

    private static double PassMs(OnnxStages stages, int rows)
    {
        using KvCache cache = new(stages.Pages, stages.MaxSequenceLength);
        RowBatch batch = new(rows);
        cache.Hold(rows);
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

    private sealed record Turn(double StagesMs, double FusedMs, long BytesPerToken, bool SameTokens);
}
