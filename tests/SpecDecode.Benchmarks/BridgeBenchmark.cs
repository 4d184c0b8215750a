using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using SpecDecode.Calibration;
using SpecDecode.Evaluation;
using SpecDecode.Models;
using SpecDecode.Plans;
using SpecDecode.Scheduling;

namespace SpecDecode.Benchmarks;

/// <summary>What bridges do for early exits: agreement on held-out text at every exit, with a bridge of each kind and without.</summary>
internal static class BridgeBenchmark
{
    private const int NewTokens = 160;

    public static Command Command()
    {
        Option<string> model = new("--model") { Required = true, Description = "Checkpoint folder." };
        Option<string> prompts = new("--prompts") { Required = true, Description = "A prompt a line; bridges are fitted to every second one's texts." };
        Option<int?[]> ranks = new("--rank") { Description = "A rank, as of calibrate --bridge-rank; several to compare; by default what predicts best.", AllowMultipleArgumentsPerToken = true };
        Option<double> seconds = new("--seconds") { DefaultValueFactory = _ => 60, Description = "How long a fit may take." };
        Option<int> exits = new("--exits") { DefaultValueFactory = _ => 64, Description = "How many exits are shown." };
        Command command = new("bridges", "What bridges do for early exits.") { model, prompts, ranks, seconds, exits };
        command.SetAction(arguments => Run(
            arguments.GetValue(model)!, File.ReadAllLines(arguments.GetValue(prompts)!), arguments.GetValue(ranks) is { Length: > 0 } given ? given : [null],
            TimeSpan.FromSeconds(arguments.GetValue(seconds)), arguments.GetValue(exits)));
        return command;
    }

    private static void Run(string folder, string[] prompts, int?[] ranks, TimeSpan limit, int exits)
    {
        using LoadedModel model = ModelLoader.Load(folder, new ModelOptions(), new RuntimeOptions { Threads = 2 }, Console.Error.WriteLine, null, default);
        Scheduler scheduler = new(model.Stages, SchedulerLimits.None);
        int[][] tokens = [.. prompts.Select(prompt => model.Tokenizer!.Encode(prompt))];
        int layers = model.Stages.LayerCount;
        CalibrationSetting Setting(int? rank) => new(
            model.Stages, scheduler, tokens, new HashSet<int>(), 1L << 30, "", new CalibrationOptions { MaxTokens = NewTokens, BridgeRank = rank });
        List<int[]> written = [];
        for (int prompt = 0; prompt < prompts.Length; prompt++)
        {
            written.Add([.. tokens[prompt], .. TextWriting.Write(Setting(null), prompt, null, default).NewTokens]);
        }

        List<(string Name, double[] Agreement)> columns = [("plain exit", Judge(isBridged: false))];
        foreach (int? rank in ranks)
        {
            long start = Stopwatch.GetTimestamp();
            double row = BridgeFitting.Run(
                Setting(rank), [.. written.Where((_, prompt) => prompt % 2 == 0).Select(text => (ReadOnlyMemory<int>)text)], [.. Enumerable.Range(0, prompts.Length).Where(prompt => prompt % 2 == 0)],
                limit, () => { }, default);
            TimeSpan took = Stopwatch.GetElapsedTime(start);
            columns.Add((rank is { } known ? $"rank {known}" : "bridge", Judge(isBridged: true)));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{columns[^1].Name}: fitted in {took.TotalSeconds:f1} s, a row takes {row * 1e6:f0} us; ranks {string.Join(' ', Enumerable.Range(0, layers - 1).Select(layer => model.Stages.Bridges[layer]?.Rank.ToString(CultureInfo.InvariantCulture) ?? "-"))}"));
        }

        Console.WriteLine("exit    " + string.Join("  ", columns.Select(column => column.Name.PadLeft(10))));
        for (int exit = 1; exit < Math.Min(layers, exits + 1); exit++)
        {
            Console.WriteLine($"{exit,4}    " + string.Join("  ", columns.Select(column => column.Agreement[exit - 1].ToString("f3", CultureInfo.InvariantCulture).PadLeft(10))));
        }

        double[] Judge(bool isBridged)
        {
            int[] shown = [.. Enumerable.Range(1, layers - 1).Where(exit => !isBridged || model.Stages.Bridges[exit - 1] is not null)];
            PlanCandidate[] plans = [.. shown.Select(exit => new PlanCandidate(isBridged ? LayerPlan.BridgedExit(layers, exit) : LayerPlan.EarlyExit(layers, exit)))];
            WrittenText[] texts =
            [
                .. written.Where((_, prompt) => prompt % 2 == 1).Select((text, i) => TextReading.Read(model.Stages, text, tokens[2 * i + 1].Length, default)),
            ];
            PlanAgreement agreement = new(model.Stages, plans, texts);
            agreement.Run(default);
            double[] shares = new double[layers];
            for (int i = 0; i < shown.Length; i++)
            {
                shares[shown[i] - 1] = agreement.Of(i).Share;
            }

            Array.ForEach(texts, text => text.Cache.Dispose());
            return shares;
        }
    }
}
