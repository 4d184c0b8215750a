using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using SpecDecode.Drafting;
using SpecDecode.Generation;

namespace SpecDecode.Benchmarks;

/// <summary>
/// Tokens per second with several requests at the same time, of prompts of mixed lengths that share nothing, plainly and drafted, in turns; and how long a prompt takes that has
/// been read before.
/// </summary>
internal static class BatchBenchmark
{
    private static readonly int[] PromptLengths = [12, 250, 40, 120, 8, 400, 64, 20];

    public static Command Command()
    {
        Option<string> model = new("--model") { Required = true, Description = "Checkpoint folder." };
        Option<Precision> precision = new("--precision") { DefaultValueFactory = _ => Precision.Fp32, Description = "Precision of the weights." };
        Option<int> tokens = new("--tokens") { DefaultValueFactory = _ => 64, Description = "New tokens of each." };
        Option<int> exit = new("--exit-layer") { DefaultValueFactory = _ => 0, Description = "Exit layer of drafts; 0 for plain decoding alone." };
        Option<int> repeat = new("--repeat") { DefaultValueFactory = _ => 5, Description = "Turns of each." };
        Option<int[]> concurrency = new("--concurrency") { DefaultValueFactory = _ => [1, 4, 8, 16, 32], AllowMultipleArgumentsPerToken = true, Description = "Requests at the same time." };
        Command command = new("batch", "Tokens per second of several requests at the same time.") { model, precision, tokens, exit, repeat, concurrency };
        command.SetAction(arguments => Run(
            arguments.GetValue(model)!, arguments.GetValue(precision), arguments.GetValue(tokens), arguments.GetValue(exit), arguments.GetValue(repeat), arguments.GetValue(concurrency)!));
        return command;
    }

    private static void Run(string folder, Precision precision, int tokens, int exitLayer, int repeat, int[] concurrency)
    {
        using TextModel model = TextModel.Load(folder, new ModelOptions { Precision = precision }, new RuntimeOptions { Threads = 2 });
        DraftingOptions?[] draftings = exitLayer == 0 ? [DraftingOptions.None] : [DraftingOptions.None, DraftingOptions.EarlyExit(exitLayer)];
        int seed = 0;
        foreach (int requests in concurrency)
        {
            foreach (DraftingOptions? drafting in draftings)
            {
                List<double> speeds = [];
                for (int turn = 0; turn <= repeat; turn++)
                {
                    GenerationRequest[] batch = [.. Enumerable.Range(0, requests).Select(i => new GenerationRequest
                    {
                        Tokens = Prompt(model, PromptLengths[i % PromptLengths.Length], ++seed), MaxTokens = tokens, IgnoreEndOfSequence = true, Drafting = drafting,
                    })];
                    long start = Stopwatch.GetTimestamp();
                    int written = model.Generate(batch).Sum(result => result.Tokens.Count);
                    double speed = written / Stopwatch.GetElapsedTime(start).TotalSeconds;
                    if (turn > 0)
                    {
                        speeds.Add(speed);
                    }
                }

                speeds.Sort();
                Print($"{requests,3} requests, {(drafting == DraftingOptions.None ? "plain" : "drafted"),-7}: {speeds[speeds.Count / 2]:f0} tokens/s ({speeds[0]:f0} to {speeds[^1]:f0})");
            }
        }

        int length = Math.Min(512, model.MaxSequenceLength - 8);
        List<double> first = [];
        List<double> again = [];
        for (int turn = 0; turn < repeat; turn++)
        {
            GenerationRequest request = new() { Tokens = Prompt(model, length, ++seed), MaxTokens = 2, IgnoreEndOfSequence = true, Drafting = DraftingOptions.None };
            first.Add(model.Generate(request).PrefillTime.TotalMilliseconds);
            again.Add(model.Generate(request).PrefillTime.TotalMilliseconds);
        }

        first.Sort();
        again.Sort();
        Print($"a prompt of {length} tokens: {first[repeat / 2]:f1} ms, and {again[repeat / 2]:f1} ms when it was read before ({again[repeat / 2] / first[repeat / 2]:f2})");
    }

    private static int[] Prompt(TextModel model, int length, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, length).Select(_ => random.Next(model.VocabularySize))];
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
