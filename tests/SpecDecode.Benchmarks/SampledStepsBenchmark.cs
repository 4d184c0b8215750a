using System.CommandLine;
using System.Globalization;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Sampling;
using SpecDecode.Scheduling;

namespace SpecDecode.Benchmarks;

/// <summary>What share of a step choosing tokens is: the time that a step spends outside of ONNX Runtime, with and without sampling.</summary>
internal static class SampledStepsBenchmark
{
    private const int NewTokens = 24;

    private static readonly (string Name, SamplingOptions Options)[] Choices =
    [
        ("greedy", SamplingOptions.Greedy),
        ("shared noise", new() { Acceptance = AcceptanceRule.SharedNoise, Seed = 1 }),
        ("rejection", new() { Acceptance = AcceptanceRule.Rejection, Seed = 1 }),
        ("shared noise, top-p 0.95", new() { Acceptance = AcceptanceRule.SharedNoise, Seed = 1, TopP = 0.95f }),
        ("rejection, top-p 0.95", new() { Acceptance = AcceptanceRule.Rejection, Seed = 1, TopP = 0.95f }),
        ("rejection, top-k 50", new() { Acceptance = AcceptanceRule.Rejection, Seed = 1, TopK = 50 }),
    ];

    public static Command Command()
    {
        Option<string> model = new("--model") { Required = true, Description = "Checkpoint folder." };
        Option<float> temperature = new("--temperature") { DefaultValueFactory = _ => 1, Description = "Temperature of the rules that draw." };
        Command command = new("sampled-steps", "The share of a step that choosing tokens is.") { model, temperature };
        command.SetAction(arguments => Run(arguments.GetValue(model)!, arguments.GetValue(temperature)));
        return command;
    }

    private static void Run(string folder, float temperature)
    {
        using TextModel model = TextModel.Load(folder, null, new RuntimeOptions { Threads = 2 });
        Print($"{model.VocabularySize} tokens; medians of the steps of {NewTokens} new tokens, prompts left out");
        Print($"");
        Print($"| sequences | draft length | choice | step, ms | outside of ONNX Runtime, ms | share |");
        Print($"|---|---|---|---|---|---|");
        foreach ((int sequences, int draftLength) in ((int, int)[])[(1, 0), (1, 3), (8, 0), (8, 3)])
        {
            foreach ((string name, SamplingOptions options) in Choices)
            {
                SamplingOptions sampling = options == SamplingOptions.Greedy ? options : options with { Temperature = temperature };
                Measure(model, sequences, draftLength, sampling);
                List<StepRecord> steps = Measure(model, sequences, draftLength, sampling);
                double time = Median(steps, step => step.Time);
                double outside = Median(steps, step => step.Time - step.RuntimeTime);
                Print($"| {sequences} | {draftLength} | {name} | {time:f1} | {outside:f2} | {100 * outside / time:f1} % |");
            }
        }
    }

    private static List<StepRecord> Measure(TextModel model, int sequences, int draftLength, SamplingOptions sampling)
    {
        DraftingOptions drafting = draftLength == 0
            ? DraftingOptions.None
            : DraftingOptions.EarlyExit(Math.Max(1, model.LayerCount / 5)) with { DraftLength = draftLength };
        List<StepRecord> steps = [];
        model.Generate(
            [.. Enumerable.Range(0, sequences).Select(i => new GenerationRequest
            {
                Tokens = [1, 2 + i], MaxTokens = NewTokens, IgnoreEndOfSequence = true, Drafting = drafting, Sampling = sampling with { ChoiceIndex = i },
            })],
            onToken: null, onStep: steps.Add, cancellationToken: default);
        steps.RemoveAll(step => step.PromptRows > 0 || step.Sequences < sequences);
        return steps;
    }

    private static double Median(List<StepRecord> steps, Func<StepRecord, TimeSpan> time)
    {
        double[] times = [.. steps.Select(step => time(step).TotalMilliseconds).Order()];
        return times[times.Length / 2];
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
