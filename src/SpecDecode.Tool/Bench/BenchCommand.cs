using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json;
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
        ModelArguments model = new(command);
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
        DraftArguments draft = new(command, sweep);
        Option<int[]?> sweepLayers = ListOption.Layers("--sweep-exit-layers", "Exit layers that --sweep tries; by default 1-4.");
        Option<int[]?> sweepLengths = ListOption.Layers("--sweep-draft-lengths", "Draft lengths that --sweep tries; by default 1-4.");
        Option<bool> json = new("--json") { Description = "Print one JSON object." };
        Option<bool> explain = new("--explain") { Description = "Print also why rounds had a draft or none, where drafts came from, and what auto thinks of plans." };
        Option<bool> quiet = QuietOption.Create("Show no progress.");
        foreach (Option option in (Option[])[prompts, maxTokens, repeat, concurrency, sweep, sweepLayers, sweepLengths, json, explain, quiet])
        {
            command.Options.Add(option);
        }

        // Without drafting both sides are plain, which shows how far the machine's noise reaches.
        command.Validators.Add(result => Check(result, draft, sweep, sweepLayers, sweepLengths));
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
            BenchSettings settings = new(arguments.GetValue(repeat) ?? 3, arguments.GetValue(concurrency) ?? 1);
            using TextModel loaded = model.Load(arguments, error, arguments.GetValue(quiet), cancellationToken, settings.Concurrency, draft);
            GenerationRequest request = new()
            {
                MaxTokens = arguments.GetValue(maxTokens) ?? GenerationDefaults.DefaultMaxTokens,
                IgnoreEndOfSequence = true,
                Sampling = sampling.Read(arguments),
            };
            ProgressLine progress = ProgressLine.Of(error, arguments.GetValue(quiet));
            BenchComparison Run(DraftingOptions? options, string cell)
            {
                BenchComparison result = BenchComparison.Run(
                    loaded, texts, request, settings, options, where => progress.Show(() => cell + where()), cancellationToken);
                progress.Clear();
                return result;
            }

            if (arguments.GetValue(sweep))
            {
                int[] layers = arguments.GetResult(sweepLayers) is null
                    ? [.. Enumerable.Range(1, Math.Min(4, loaded.LayerCount))]
                    : arguments.GetValue(sweepLayers)!;
                int[] lengths = arguments.GetResult(sweepLengths) is null ? [1, 2, 3, 4] : arguments.GetValue(sweepLengths)!;
                Sweep.Run(output, loaded, Cells(loaded.LayerCount, layers, lengths), Run, arguments.GetValue(json));
            }
            else if (arguments.GetValue(json))
            {
                WriteJson(output, loaded, Run(draft.Read(arguments, loaded, error), ""));
            }
            else
            {
                BenchComparison result = Run(draft.Read(arguments, loaded, error), "");
                WriteText(output, loaded, result);
                if (arguments.GetValue(explain))
                {
                    WriteExplanation(output, loaded, result);
                }
            }

            return CommandLine.Success;
        });
        return command;
    }

    private static void Check(
        CommandResult result, DraftArguments draft, Option<bool> sweep, Option<int[]?> sweepLayers, Option<int[]?> sweepLengths)
    {
        bool sweeps = result.GetValue(sweep);
        if (sweeps && draft.IsGiven(result))
        {
            result.AddError("--sweep chooses how to draft; leave --draft out.");
        }

        if (!sweeps && (result.GetResult(sweepLayers) is not null || result.GetResult(sweepLengths) is not null))
        {
            result.AddError("--sweep-exit-layers and --sweep-draft-lengths have no effect without --sweep.");
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

    // What a list option holds, where it was given and could be read.
    private static int[] Given(CommandResult result, Option<int[]?> option) =>
        result.GetResult(option) is { } given && !given.Errors.Any() ? result.GetValue(option) ?? [] : [];

    private static List<(int ExitLayer, DraftingOptions Draft)> Cells(int layerCount, int[] layers, int[] lengths)
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
               select (layer, DraftingOptions.EarlyExit(layer) with { DraftLength = length }),
        ];
    }

    private static void WriteText(TextWriter output, TextModel model, BenchComparison result)
    {
        void Line(FormattableString line) => output.WriteLine(line.ToString(CultureInfo.InvariantCulture));
        string second = result.IsDrafted ? "speculative" : "plain again";
        Line($"plain        {result.Plain.TokensPerSecond:f1} tokens/s, prefill {result.Plain.PrefillTokensPerSecond:f0} tokens/s");
        Line($"{second}  {result.Speculative.TokensPerSecond:f1} tokens/s, prefill {result.Speculative.PrefillTokensPerSecond:f0} tokens/s");
        Line($"{(result.IsDrafted ? "speed-up" : "ratio"),-11}  {result.Speedup:f3} ({result.Ratios[0]:f3} to {result.Ratios[^1]:f3})");
        if (result.IsDrafted)
        {
            Line($"acceptance   {result.AcceptanceRate:f3}, {result.MeanAcceptanceLength:f3} tokens a round");
        }

        if (result.IsDrafted && model.DraftVocabulary > 0)
        {
            Line($"vocabulary   drafts choose from {model.DraftVocabulary} tokens, which had {result.CoveredShare:p1} of the output");
        }

        string shares = result.IsDrafted ? FormattableString.Invariant($"drafting {result.DraftShare:p1}, verifying {result.VerifyShare:p1}, ") : "";
        Line($"time         {shares}outside the runtime {result.OutsideRuntimeShare:p1}");
        Line($"memory       {result.ManagedBytesPerToken:f0} managed bytes a token, peak {BenchComparison.PeakResidentMegabytes()?.ToString("f0", CultureInfo.InvariantCulture) ?? "?"} MB");
        Line($"kernels      {model.Kernels}");
        output.WriteLine(!result.IsComparable ? "outputs      drawn anew by rejection sampling, so not to be compared"
            : result.Difference is { } difference
            ? string.Create(CultureInfo.InvariantCulture, $"outputs      differ first in prompt {difference.Prompt} at token {difference.Position}, by a margin of {difference.Margin:e2}")
            : "outputs      identical");
    }

    private static void WriteExplanation(TextWriter output, TextModel model, BenchComparison result)
    {
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"decisions    {string.Join(", ", result.Decisions.Select(pair => $"{Word(pair.Reason)} {pair.Rounds}"))}"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"drafts       {result.Drafted - result.LookedUp} tokens by the drafter, {result.LookedUp} looked up"));
        foreach (DraftEstimate estimate in model.EstimateDrafts())
        {
            string speedup = estimate.ExpectedSpeedup?.ToString("f3", CultureInfo.InvariantCulture) ?? "unknown";
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"plan         {estimate.Plan}: expected speed-up {speedup}, calibration error {estimate.CalibrationError:f3} over {estimate.JudgedTokens:f0} tokens"));
        }
    }

    // As metrics have it.
    private static string Word(DraftReason reason) => JsonNamingPolicy.SnakeCaseLower.ConvertName(reason.ToString());

    private static void WriteJson(TextWriter output, TextModel model, BenchComparison result) => JsonResult.Write(output, json =>
    {
        WriteRun(json, "plain", result.Plain);
        WriteRun(json, result.IsDrafted ? "speculative" : "plain_again", result.Speculative);
        json.WriteNumberOrNull("speedup", result.Speedup);
        json.WriteNumberOrNull("speedup_min", result.Ratios[0]);
        json.WriteNumberOrNull("speedup_max", result.Ratios[^1]);
        json.WriteNumberOrNull("acceptance_rate", result.AcceptanceRate);
        json.WriteNumberOrNull("mean_acceptance_length", result.MeanAcceptanceLength);
        json.WriteNumberOrNull("outside_runtime_share", result.OutsideRuntimeShare);
        json.WriteNumberOrNull("managed_bytes_per_token", result.ManagedBytesPerToken);
        json.WriteNumberOrNull("draft_share", result.DraftShare);
        json.WriteNumberOrNull("verify_share", result.VerifyShare);
        json.WriteNumber("draft_vocabulary", model.DraftVocabulary);
        json.WriteNumberOrNull("covered_share", result.CoveredShare);
        json.WriteNumber("drafted_tokens", result.Drafted);
        json.WriteNumber("looked_up_tokens", result.LookedUp);
        json.WriteStartObject("decisions");
        foreach ((DraftReason reason, long rounds) in result.Decisions)
        {
            json.WriteNumber(Word(reason), rounds);
        }

        json.WriteEndObject();
        json.WriteStartArray("plans");
        foreach (DraftEstimate estimate in model.EstimateDrafts())
        {
            json.WriteStartObject();
            json.WriteString("plan", estimate.Plan.ToString());
            json.WriteNumberOrNull("expected_speedup", estimate.ExpectedSpeedup);
            json.WriteNumberOrNull("calibration_error", estimate.CalibrationError);
            json.WriteNumberOrNull("judged_tokens", estimate.JudgedTokens);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteIdentical(json, result);
        if (result.Difference is { } difference)
        {
            json.WriteStartObject("first_difference");
            json.WriteNumber("prompt", difference.Prompt);
            json.WriteNumber("position", difference.Position);
            json.WriteNumber("margin", difference.Margin);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("first_difference");
        }

        json.WriteNumberOrNull("peak_rss_mb", BenchComparison.PeakResidentMegabytes());
        json.WriteString("kernels", model.Kernels);
    });

    /// <summary>Whether both sides wrote the same; null where that is not to be expected.</summary>
    public static void WriteIdentical(Utf8JsonWriter json, BenchComparison result)
    {
        if (result.IsComparable)
        {
            json.WriteBoolean("identical_outputs", result.Difference is null);
        }
        else
        {
            json.WriteNull("identical_outputs");
        }
    }

    private static void WriteRun(Utf8JsonWriter json, string name, BenchRun run)
    {
        json.WriteStartObject(name);
        json.WriteNumberOrNull("tokens_per_second", run.TokensPerSecond);
        json.WriteNumberOrNull("ms_per_token", 1000 / run.TokensPerSecond);
        json.WriteNumberOrNull("prefill_tokens_per_second", run.PrefillTokensPerSecond);
        json.WriteEndObject();
    }
}
