using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using SpecDecode.Drafting;
using SpecDecode.Generation;

namespace SpecDecode.Benchmarks;

/// <summary>What a request costs before any work is taken on: the longest prompts that are taken, and what is refused by its size.</summary>
internal static class IntakeBenchmark
{
    private const int LargeText = 20 << 20;
    private const int ManyStopTokens = 1_000_000;

    public static Command Command()
    {
        Option<string> model = new("--model") { Required = true, Description = "Checkpoint folder." };
        Option<int> repeat = new("--repeat") { DefaultValueFactory = _ => 5, Description = "Turns of each." };
        Command command = new("intake", "Requests of all sizes, up to their acceptance or refusal.") { model, repeat };
        command.SetAction(arguments => Run(arguments.GetValue(model)!, arguments.GetValue(repeat)));
        return command;
    }

    private static void Run(string folder, int repeat)
    {
        using TextModel model = TextModel.Load(folder);
        string text = string.Concat(Enumerable.Repeat("Once upon a time there was a little dog. ", LargeText / 40));
        GenerationRequest plain = new() { MaxTokens = 1, IgnoreEndOfSequence = true, Drafting = DraftingOptions.None };
        (string Name, GenerationRequest Request)[] requests =
        [
            ("one token", plain with { Tokens = [0] }),
            ("20 MB of text", plain with { Prompt = text }),
            ("a million tokens", plain with { Tokens = new int[1_000_000] }),
            ("a million stop tokens", plain with { Tokens = [0], StopTokens = new int[ManyStopTokens] }),
        ];
        foreach ((string name, GenerationRequest request) in requests)
        {
            double[] milliseconds = new double[repeat];
            long bytes = 0;
            string outcome = "";
            for (int turn = 0; turn < repeat; turn++)
            {
                long before = GC.GetTotalAllocatedBytes(precise: true);
                long start = Stopwatch.GetTimestamp();
                outcome = Outcome(model, request);
                milliseconds[turn] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                bytes = GC.GetTotalAllocatedBytes(precise: true) - before;
            }

            Array.Sort(milliseconds);
            Print($"{name}: median {milliseconds[repeat / 2]:f2} ms, {bytes >> 10} KB allocated; {outcome}");
        }

        if (model.Tokenizer is { } tokenizer)
        {
            long start = Stopwatch.GetTimestamp();
            int tokens = tokenizer.Encode(text).Length;
            Print($"to encode the 20 MB all the same: {Stopwatch.GetElapsedTime(start).TotalMilliseconds:f0} ms, {tokens} tokens");
        }
    }

    private static string Outcome(TextModel model, GenerationRequest request)
    {
        try
        {
            return $"{model.Generate(request).Tokens.Count} new token";
        }
        catch (Exception error) when (error is SpecDecodeException or ArgumentException)
        {
            return error.Message;
        }
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
