using System.CommandLine;
using System.CommandLine.Parsing;
using SpecDecode.Drafting;
using SpecDecode.Generation;

namespace SpecDecode.Tool.Bench;

/// <summary><c>specdecode bench</c>: plain against speculative decoding, in turn, within one run.</summary>
internal static class BenchCommand
{
    /// <summary>The command.</summary>
    public static Command Create(TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        Command command = new("bench", "Measure speculative against plain decoding, in turn; end-of-sequence tokens are ignored.");
        ModelArguments model = new(command, generates: true);
        Option<string> prompts = new("--prompts")
        {
            Description = "A prompt a line, or .jsonl with 'prompt' or 'turns' (first turn); - is standard input.",
            HelpName = "FILE",
            Required = true,
        };
        Option<int?> maxTokens = NumberOption.Optional("--max-tokens", "N", "New tokens for each prompt; by default 128.");
        Option<int?> repeat = NumberOption.Optional("--repeat", "R", "Repetitions of plain and speculative in turn; by default 3.");
        Option<int?> concurrency = NumberOption.Optional("--concurrency", "C", "Prompts that are answered at the same time; by default 1.", max: 4096);
        SamplingArguments sampling = new(command);
        Option<bool> sweep = new("--sweep") { Description = "Try early exits and draft lengths, and print a table and the best." };
        Option<string[]?> compare = new("--compare")
        {
            Description = "A way to draft, such as auto or \"early-exit exit-layer=2\"; give several, and all take turns with plain decoding.",
            HelpName = "SETTING",
        };
        DraftArguments draft = new(command, sweep, compare);
        Option<int[]?> sweepLayers = ListOption.Layers("--sweep-exit-layers", "Exit layers that --sweep tries; by default 1-4.");
        Option<int[]?> sweepLengths = ListOption.Layers("--sweep-draft-lengths", "Draft lengths that --sweep tries; by default 1-4.");
        Option<float[]?> sweepThresholds = ListOption.Probabilities("--sweep-thresholds", "Thresholds that --sweep tries; by default 0.");
        Option<bool> json = new("--json") { Description = "Print one JSON object." };
        Option<bool> explain = new("--explain") { Description = "Print also why rounds had a draft or none, where drafts came from, and what auto thinks of plans." };
        Option<bool> quiet = QuietOption.Create("Show no progress.");
        foreach (Option option in (Option[])[prompts, maxTokens, repeat, concurrency, compare, sweep, sweepLayers, sweepLengths, sweepThresholds, json, explain, quiet])
        {
            command.Options.Add(option);
        }

        // With --draft none both sides are plain, which shows how far the machine's noise reaches.
        command.Validators.Add(result => Check(result, draft, sweep, sweepLayers, sweepLengths, sweepThresholds));
        command.Validators.Add(result => CheckSettings(result, draft, compare, sweep));
        command.Validators.Add(result =>
        {
            if (result.GetValue(explain) && (result.GetValue(sweep) || result.GetValue(json)))
            {
                result.AddError("--explain adds to the text; with --json the same is always there, and --sweep prints a table.");
            }
        });
        command.SetAction(arguments =>
        {
            IReadOnlyList<string> texts = PromptFile.Read(arguments.GetValue(prompts)!, cancellationToken);
            draft.CheckProfile(arguments);
            DraftSetting[] compared = Settings(arguments.CommandResult, draft, compare);
            Array.ForEach(compared, setting => setting.CheckProfile());
            BenchSettings settings = new(arguments.GetValue(repeat) ?? 3, arguments.GetValue(concurrency) ?? 1);
            using TextModel loaded = model.Load(arguments, error, arguments.GetValue(quiet), cancellationToken, settings.Concurrency, draft);
            GenerationRequest request = new()
            {
                MaxTokens = arguments.GetValue(maxTokens) ?? GenerationDefaults.DefaultMaxTokens,
                IgnoreEndOfSequence = true,
                Sampling = sampling.Read(arguments),
            };
            ProgressLine progress = ProgressLine.Of(error, arguments.GetValue(quiet));
            IReadOnlyList<BenchComparison> Run(DraftingOptions[] options, string cell)
            {
                IReadOnlyList<BenchComparison> results = BenchComparison.Run(
                    loaded, texts, request, settings, options, where => progress.Show(() => cell + where()), cancellationToken);
                progress.Clear();
                return results;
            }

            if (arguments.GetValue(sweep))
            {
                int[] layers = arguments.GetResult(sweepLayers) is null
                    ? [.. Enumerable.Range(1, Math.Min(4, loaded.LayerCount))]
                    : arguments.GetValue(sweepLayers)!;
                int[] lengths = arguments.GetResult(sweepLengths) is null ? [1, 2, 3, 4] : arguments.GetValue(sweepLengths)!;
                float[] thresholds = arguments.GetResult(sweepThresholds) is null ? [0] : arguments.GetValue(sweepThresholds)!;
                Sweep.Run(output, loaded, Cells(loaded.LayerCount, layers, lengths, thresholds), (options, cell) => Run([options], cell)[0], arguments.GetValue(json));
            }
            else if (compared.Length > 0)
            {
                string[] names = [.. compared.Select(setting => setting.Text)];
                IReadOnlyList<BenchComparison> results = Run([.. compared.Select(setting => setting.Read(loaded, error))], "");
                if (arguments.GetValue(json))
                {
                    BenchJson.Write(output, loaded, names, results);
                }
                else
                {
                    BenchText.Write(output, loaded, names, results, arguments.GetValue(explain));
                }
            }
            else
            {
                BenchComparison result = Run([draft.Read(arguments, loaded, error)], "")[0];
                if (arguments.GetValue(json))
                {
                    BenchJson.Write(output, loaded, result);
                    return CommandLine.Success;
                }

                BenchText.Write(output, loaded, result);
                if (arguments.GetValue(explain))
                {
                    BenchText.Explain(output, loaded, result);
                }
            }

            return CommandLine.Success;
        });
        return command;
    }

    private static void Check(
        CommandResult result, DraftArguments draft, Option<bool> sweep, Option<int[]?> sweepLayers, Option<int[]?> sweepLengths, Option<float[]?> sweepThresholds)
    {
        bool sweeps = result.GetValue(sweep);
        if (sweeps && (draft.FindGiven(result) ?? (draft.PrecisionWord(result) is null ? null : DraftArguments.PrecisionOption)) is { } given)
        {
            result.AddError($"--sweep chooses how to draft; leave {given} out.");
        }

        if (!sweeps && Array.Exists((Option[])[sweepLayers, sweepLengths, sweepThresholds], option => result.GetResult(option) is not null))
        {
            result.AddError("--sweep-exit-layers, --sweep-draft-lengths and --sweep-thresholds have no effect without --sweep.");
        }

        if (Given(result, sweepLengths).Any(length => length is < 1 or > DraftingOptions.MaxDraftLength))
        {
            result.AddError($"--sweep-draft-lengths: draft lengths go from 1 to {DraftingOptions.MaxDraftLength}.");
        }

        if (Given(result, sweepLayers).Any(layer => layer < 1))
        {
            result.AddError("--sweep-exit-layers: exit layers begin at 1.");
        }
    }

    private static void CheckSettings(CommandResult result, DraftArguments draft, Option<string[]?> compare, Option<bool> sweep)
    {
        if (result.GetResult(compare) is null)
        {
            return;
        }

        if (result.GetValue(sweep))
        {
            result.AddError("--compare and --sweep both say what to try; leave one of them out.");
        }

        if (draft.FindGiven(result) is { } given)
        {
            result.AddError($"--compare says how to draft; leave {given} out, or write it into the settings.");
        }

        DraftSetting[] settings = Settings(result, draft, compare);
        foreach (string problem in settings.SelectMany(setting => setting.Errors))
        {
            result.AddError(problem);
        }

        if (draft.FindOfModel(result) is { } idle && !Array.Exists(settings, setting => setting.RunsLayers))
        {
            result.AddError($"No setting of --compare runs layers to draft, so {idle} has no effect.");
        }
    }

    private static DraftSetting[] Settings(CommandResult result, DraftArguments draft, Option<string[]?> compare) => result.GetResult(compare) is { } given
        ? [.. given.Tokens.Select(token => DraftSetting.Parse(token.Value, draft.PrecisionWord(result)))]
        : [];

    // What a list option holds, where it was given and could be read.
    private static int[] Given(CommandResult result, Option<int[]?> option) =>
        result.GetResult(option) is { } given && !given.Errors.Any() ? result.GetValue(option) ?? [] : [];

    private static List<(int ExitLayer, DraftingOptions Draft)> Cells(int layerCount, int[] layers, int[] lengths, float[] thresholds)
    {
        if (layers.Max() > layerCount)
        {
            throw new SpecDecodeException(
                $"--sweep-exit-layers names {layers.Max()}, but the model has {layerCount} layers: give 1 to {layerCount}.");
        }

        return
        [
            .. from layer in layers
               from length in lengths
               from threshold in thresholds
               select (layer, DraftingOptions.EarlyExit(layer) with { DraftLength = length, Threshold = threshold }),
        ];
    }
}
