using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using SpecDecode.Calibration;
using SpecDecode.Evaluation;
using SpecDecode.Models;
using SpecDecode.Plans;
using SpecDecode.Scheduling;

namespace SpecDecode.Benchmarks;

/// <summary>What bridges do for early exits: how often an exit's best token is the full model's, for every token of held-out text, with a bridge of each kind and without.</summary>
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

        bool[][] plain = Judge(isBridged: false);
        foreach (int? rank in ranks)
        {
            long start = Stopwatch.GetTimestamp();
            FittedBridges fitted = BridgeFitting.Run(
                Setting(rank), [.. written.Where((_, prompt) => prompt % 2 == 0).Select(text => (ReadOnlyMemory<int>)text)], [.. Enumerable.Range(0, prompts.Length).Where(prompt => prompt % 2 == 0)],
                limit, () => { }, default, exits: exits);
            TimeSpan took = Stopwatch.GetElapsedTime(start);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(rank is { } known ? $"rank {known}" : "bridges")}: fitted in {took.TotalSeconds:f1} s, a row takes {fitted.Row * 1e6:f0} us; ranks {string.Join(' ', Enumerable.Range(0, layers - 1).Select(layer => model.Stages.Bridges[layer]?.Rank.ToString(CultureInfo.InvariantCulture) ?? "-"))}"));
            Show(Judge(isBridged: true));
        }

        void Show(bool[][] bridged)
        {
            Console.WriteLine($"exit   without    with   difference   standard error   of {plain[0].Length} tokens");
            for (int exit = 1; exit < Math.Min(layers, exits + 1); exit++)
            {
                double[] differences = [.. plain[exit - 1].Zip(bridged[exit - 1], (without, with) => (with ? 1.0 : 0) - (without ? 1 : 0))];
                double mean = differences.Average();
                double error = Math.Sqrt(differences.Average(difference => (difference - mean) * (difference - mean)) / differences.Length);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{exit,4}   {Share(plain[exit - 1]),7:f3}   {Share(bridged[exit - 1]),5:f3}   {mean,10:+0.000;-0.000}   {error,14:f4}"));
            }
        }

        static double Share(bool[] agrees) => agrees.Count(agrees => agrees) / (double)agrees.Length;

        // At each exit, whether its best token is the text's, for every new token of the texts that nothing is fitted to.
        bool[][] Judge(bool isBridged) =>
        [
            .. Enumerable.Range(1, Math.Min(layers - 1, exits)).Select(exit =>
            {
                LayerPlan plan = isBridged && model.Stages.Bridges[exit - 1] is not null ? LayerPlan.BridgedExit(layers, exit) : LayerPlan.EarlyExit(layers, exit);
                return written.Index().Where(text => text.Index % 2 == 1).SelectMany(text =>
                {
                    IReadOnlyList<int> best = PlanEvaluation.Run(model.Stages, plan, text.Item, default).ArgMaxPerPosition;
                    return Enumerable.Range(tokens[text.Index].Length, text.Item.Length - tokens[text.Index].Length).Select(position => best[position - 1] == text.Item[position]);
                }).ToArray();
            }),
        ];
    }
}
