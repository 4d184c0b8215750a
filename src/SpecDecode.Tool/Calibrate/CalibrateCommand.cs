using System.CommandLine;
using System.Globalization;
using SpecDecode.Calibration;
using SpecDecode.Generation;
using SpecDecode.Tool.Bench;

namespace SpecDecode.Tool.Calibrate;

/// <summary><c>specdecode calibrate</c>: which layers a drafter of a model can leave out.</summary>
internal static class CalibrateCommand
{
    private const string All = "all";
    private const float MostMinutes = 7 * 24 * 60;

    /// <summary>The command.</summary>
    public static Command Create(TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        Command command = new("calibrate", "Find which layers a drafter of the model can leave out, and write a drafting profile.");
        ModelArguments model = new(command);
        Option<string> prompts = new("--prompts")
        {
            Description = "Prompts such as the model will get, 2 at least and better 10 or more: one a line, or .jsonl with 'prompt' or 'turns' (first turn); - is standard input.",
            HelpName = "FILE",
            Required = true,
        };
        Option<string?> method = new("--method") { Description = "The method that searches; by default all of them, one after the other." };
        method.AcceptWords([All, .. CalibrationOptions.AllMethods]);
        Option<float?> budget = NumberOption.Real(
            "--budget", "MINUTES", "How long all of it may take; by default 10.", given => given > 0 && given <= MostMinutes, "minutes above 0, at most a week");
        Option<int?> maxTokens = NumberOption.Optional("--max-tokens", "N", "New tokens that the model writes for each prompt; by default 96.", min: 8);
        Option<int?> seed = NumberOption.Optional("--seed", "N", "Where methods' random numbers begin; by default 1.", min: int.MinValue);
        Option<int?> measured = NumberOption.Optional(
            "--measure", "N", "Plans, the best, that write texts in earnest, in turn with plain decoding; by default 3.", max: CalibrationOptions.MaxMeasuredPlans);
        Option<int?> bridgeRank = NumberOption.Optional(
            "--bridge-rank", "N", "Rank of the maps that 'bridge' fits: 0 scales channels alone, the residual's width is a full matrix; by default what predicts best.", min: 0);
        Option<int[]?> lengths = ListOption.Lengths("--lengths", "Measure costs behind texts of these lengths too, in tokens, and choose plans for each: 256,1024.");
        Option<string?> draftPrecision = new("--draft-precision") { Description = "Load a second copy of the weights in this precision for drafts, and look for plans on it." };
        draftPrecision.AcceptWords(PrecisionArguments.Name(Precision.Int8), PrecisionArguments.Name(Precision.Int4));
        Option<string?> profile = new("--output")
        {
            Description = "Write a drafting profile there. What is known meanwhile is kept beside it, with .state behind its name, so that a cancelled calibration goes on.",
            HelpName = "FILE",
        };
        Option<string?> svg = new("--svg") { Description = "Draw cost and agreement of all plans that were tried there.", HelpName = "FILE" };
        Option<bool> json = new("--json") { Description = "Print one JSON object in place of the table." };
        Option<bool> quiet = QuietOption.Create("Show no progress.");
        foreach (Option option in (Option[])[prompts, method, budget, maxTokens, seed, measured, bridgeRank, lengths, draftPrecision, profile, svg, json, quiet])
        {
            command.Options.Add(option);
        }

        command.SetAction(arguments =>
        {
            OutputPath.Check("--output", arguments.GetValue(profile));
            OutputPath.Check("--svg", arguments.GetValue(svg));
            IReadOnlyList<string> texts = PromptFile.Read(arguments.GetValue(prompts)!, cancellationToken);
            CalibrationOptions defaults = new();
            CalibrationOptions options = new()
            {
                Methods = arguments.GetValue(method) is { } name && !name.Equals(All, StringComparison.OrdinalIgnoreCase) ? [name] : defaults.Methods,
                Budget = arguments.GetValue(budget) is { } minutes ? TimeSpan.FromMinutes(minutes) : defaults.Budget,
                MaxTokens = arguments.GetValue(maxTokens) ?? defaults.MaxTokens,
                Seed = arguments.GetValue(seed) ?? defaults.Seed,
                MeasuredPlans = arguments.GetValue(measured) ?? defaults.MeasuredPlans,
                BridgeRank = arguments.GetValue(bridgeRank),
                Lengths = arguments.GetValue(lengths) ?? [],
                StateFile = arguments.GetValue(profile) is { } path ? path + ".state" : null,
            };
            bool isQuiet = arguments.GetValue(quiet);
            using TextModel loaded = model.Load(
                arguments, error, isQuiet, cancellationToken, sequences: 1, draftPrecision: PrecisionArguments.PrecisionOf(arguments.GetValue(draftPrecision)));
            ProgressLine line = ProgressLine.Of(error, isQuiet);
            CalibrationReport report = loaded.Calibrate(
                [.. texts.Select(text => new GenerationRequest { Prompt = text })], options, new Told(progress => line.Show(() => Describe(progress))), cancellationToken);
            line.Clear();
            if (arguments.GetValue(json))
            {
                CalibrationJson.Write(output, loaded, report);
            }
            else
            {
                CalibrationTable.Write(output, loaded, report);
            }

            return Finish(error, loaded, report, arguments.GetValue(profile), arguments.GetValue(svg), options.StateFile);
        });
        return command;
    }

    // What there is is written, also where it was cancelled: the picture of what was tried, and a profile once plans were judged.
    private static int Finish(TextWriter error, TextModel model, CalibrationReport report, string? profile, string? svg, string? state)
    {
        if (svg is not null && report.Tried.Count > 0)
        {
            OutputPath.Write(svg, ParetoChart.Draw(report));
        }

        if (profile is not null && report.Plans.Count > 0)
        {
            model.CreateProfile(report, DateOnly.FromDateTime(DateTime.UtcNow)).Save(profile);
        }

        if (report.IsComplete)
        {
            return CommandLine.Success;
        }

        error.WriteLine(state is null ? "specdecode: cancelled." : $"specdecode: cancelled. The same command goes on with {state}.");
        return CommandLine.Interrupted;
    }

    private static string Describe(CalibrationProgress progress) => string.Create(CultureInfo.InvariantCulture, $"{progress.Phase switch
    {
        CalibrationPhase.Writing => $"writing texts, {progress.Done} done",
        CalibrationPhase.Timing => "timing passes",
        CalibrationPhase.Searching => string.Create(CultureInfo.InvariantCulture, $"{progress.Method}: {progress.Done} plans tried, best expected speed-up {progress.BestSpeedup:f3}"),
        CalibrationPhase.Judging => "judging on held-out text",
        _ => $"measuring, {progress.Done} texts done",
    }}, {progress.Elapsed.TotalMinutes:f1} min");

    private sealed class Told(Action<CalibrationProgress> report) : IProgress<CalibrationProgress>
    {
        public void Report(CalibrationProgress value) => report(value);
    }
}
