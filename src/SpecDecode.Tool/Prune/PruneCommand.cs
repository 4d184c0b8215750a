using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using System.Globalization;
using SpecDecode.Drafting.Profiles;
using SpecDecode.Evaluation;
using SpecDecode.Generation;
using SpecDecode.Plans;
using SpecDecode.Pruning;

namespace SpecDecode.Tool.Prune;

/// <summary><c>specdecode prune</c>: a checkpoint without some of a model's layers.</summary>
internal sealed class PruneCommand
{
    private const int DefaultMaxTokens = 256;

    private readonly ModelArguments _model;
    private readonly Option[] _loading;

    private readonly Option<int[]?> _drop = ListOption.Layers("--drop-layers", "Layers to drop, from 0: 3,5-7.");

    private readonly Option<string?> _profile = new("--profile")
    {
        Description = "Drop the layers that this drafting profile's best plan leaves out, which must be whole ones.", HelpName = "FILE",
    };

    private readonly Option<float?> _keepRatio = NumberOption.Real(
        "--keep-ratio", "R", "Keep this share of the layers, and choose them by --method on --text.", ratio => ratio > 0 && ratio < 1, "a share above 0 and below 1");

    private readonly Option<string?> _method = new("--method") { Description = $"How --keep-ratio chooses; by default {LayerChoice.Methods[0]}." };

    private readonly Option<string> _output = new("--output")
    {
        Description = "Folder to make, which must not exist, in one that does.", HelpName = "DIR", Required = true,
    };

    private readonly Option<string?> _text = new("--text")
    {
        Description = "UTF-8 file of documents separated by blank lines, to choose by and to measure perplexity on before and after; - is standard input.",
        HelpName = "FILE",
    };

    private readonly Option<int?> _maxTokens = NumberOption.Optional(
        "--max-tokens", "N", $"Tokens of a document that count, from its first; by default {DefaultMaxTokens}.");

    private readonly Option<bool> _json = new("--json") { Description = "Print one JSON object in place of the path." };
    private readonly Option<bool> _quiet = QuietOption.Create("Show no progress.");

    private PruneCommand(Command command)
    {
        _model = new ModelArguments(command);

        // All but --model are about running it, which only a text asks for.
        _loading = [.. command.Options.Where(option => option.Name != "--model")];
        _method.AcceptWords([.. LayerChoice.Methods]);
        foreach (Option option in (Option[])[_drop, _profile, _keepRatio, _method, _output, _text, _maxTokens, _json, _quiet])
        {
            command.Options.Add(option);
        }

        command.Validators.Add(Check);
    }

    /// <summary>The command.</summary>
    public static Command Create(TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        Command command = new("prune", "Write a smaller checkpoint without some of the model's layers, which loads here and elsewhere.");
        PruneCommand prune = new(command);
        command.SetAction(arguments => prune.Run(arguments, output, error, cancellationToken));
        return command;
    }

    private int Run(ParseResult arguments, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        string folder = _model.Folder(arguments);
        string target = arguments.GetValue(_output)!;
        long start = Stopwatch.GetTimestamp();
        LayerPruning.CheckOutput(folder, target);
        DraftingProfile? profile = arguments.GetValue(_profile) is { } path ? DraftingProfile.Load(path) : null;
        IReadOnlyList<int> layers = profile is null ? arguments.GetValue(_drop) ?? [] : LayerPruning.LayersOf(profile);
        PruningOptions options = new() { ChosenFor = profile?.Model, ChosenBy = profile is null ? null : "by the best plan of a drafting profile" };
        ProgressLine line = ProgressLine.Of(error, arguments.GetValue(_quiet));
        if (arguments.GetValue(_text) is { } file)
        {
            IReadOnlyList<string> documents = DocumentFile.Read(file, cancellationToken);
            int maxTokens = arguments.GetValue(_maxTokens) ?? DefaultMaxTokens;
            using TextModel model = _model.Load(arguments, error, arguments.GetValue(_quiet), cancellationToken);
            if (arguments.GetValue(_keepRatio) is { } ratio)
            {
                LayerChoice choice = model.ChooseLayers(
                    ratio, arguments.GetValue(_method)?.ToLowerInvariant() ?? LayerChoice.Methods[0], documents, maxTokens, Told(line, "choosing layers"), cancellationToken);
                layers = choice.Dropped;
                options = options with { ChosenBy = choice.Reason };
            }

            options = options with { Effect = Measure(model, profile, layers, documents, maxTokens, InputFile.NameOf(Path.GetFileName(file)), line, cancellationToken) };
        }

        PrunedModel pruned = LayerPruning.Prune(folder, layers, target, options, Told(line, "writing weights"), cancellationToken);
        line.Clear();
        Write(arguments.GetValue(_json) ? output : null, pruned, options, Stopwatch.GetElapsedTime(start));
        if (!arguments.GetValue(_json))
        {
            output.WriteLine(pruned.Path);
            error.WriteLine(Sentence(pruned, options.Effect));
        }

        return CommandLine.Success;
    }

    private static PruningEffect Measure(
        TextModel model, DraftingProfile? profile, IReadOnlyList<int> layers, IReadOnlyList<string> documents, int maxTokens, string name, ProgressLine line,
        CancellationToken cancellationToken)
    {
        if (profile is not null && profile.Model.LayerCount != model.LayerCount)
        {
            throw new SpecDecodeException($"The drafting profile is of a model with {profile.Model.LayerCount} layers, and this one has {model.LayerCount}: take the profile that is its own.");
        }

        if (layers.FirstOrDefault(layer => layer >= model.LayerCount, -1) is >= 0 and var missing)
        {
            throw new SpecDecodeException($"Layer {missing} cannot be dropped: the model's layers go from 0 to {model.LayerCount - 1}.");
        }

        PerplexityResult before = model.Perplexity(documents, maxTokens, plan: null, Told(line, "measuring the whole model"), cancellationToken);
        PerplexityResult after = model.Perplexity(
            documents, maxTokens, LayerPlan.LayerSkip(model.LayerCount, layers, layers), Told(line, "measuring without the layers"), cancellationToken);
        return new PruningEffect(before.Perplexity, after.Perplexity, before.Tokens, name);
    }

    private static string Sentence(PrunedModel pruned, PruningEffect? effect) => string.Create(
        CultureInfo.InvariantCulture,
        $"specdecode: dropped {string.Join(", ", pruned.Dropped)}; {pruned.Kept.Count} layers stay, {pruned.Bytes / 1e6:f1} of {pruned.OriginalBytes / 1e6:f1} MB of weights")
        + (effect is null ? "" : string.Create(CultureInfo.InvariantCulture, $"; perplexity {effect.Before:f4} before, {effect.After:f4} after, over {effect.Tokens} tokens"));

    private static void Write(TextWriter? output, PrunedModel pruned, PruningOptions options, TimeSpan time)
    {
        if (output is null)
        {
            return;
        }

        JsonResult.Write(output, json =>
        {
            json.WriteString("path", pruned.Path);
            json.WriteNumbers("dropped", pruned.Dropped);
            json.WriteNumbers("kept", pruned.Kept);
            json.WriteString("chosen", options.ChosenBy);
            json.WriteNumber("bytes", pruned.Bytes);
            json.WriteNumber("original_bytes", pruned.OriginalBytes);
            json.WriteNumberOrNull("perplexity_before", options.Effect?.Before);
            json.WriteNumberOrNull("perplexity_after", options.Effect?.After);
            json.WriteNumber("tokens", options.Effect?.Tokens ?? 0);
            json.WriteNumber("seconds", Math.Round(time.TotalSeconds, 3));
        });
    }

    private static ShownProgress Told(ProgressLine line, string what) => new(line, what);

    // An option that would have no effect is a mistake of whoever typed it.
    private void Check(CommandResult result)
    {
        bool IsGiven(Option option) => result.GetResult(option) is not null;
        Option[] ways = [.. ((Option[])[_drop, _profile, _keepRatio]).Where(IsGiven)];
        string? problem = ways.Length == 0 ? "Say which layers to drop: --drop-layers, --profile or --keep-ratio."
            : ways.Length > 1 ? $"{ways[0].Name} and {ways[1].Name} both say which layers to drop; give one of them."
            : IsGiven(_method) && !IsGiven(_keepRatio) ? "--method has no effect without --keep-ratio."
            : IsGiven(_keepRatio) && !IsGiven(_text) ? "--keep-ratio needs --text, by which layers are chosen."
            : IsGiven(_text) ? null
            : Array.Find([_maxTokens, .. _loading], IsGiven) is { } idle ? $"{idle.Name} has no effect without --text."
            : null;
        if (problem is not null)
        {
            result.AddError(problem);
        }
    }
}
