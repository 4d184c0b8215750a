using System.CommandLine;
using System.CommandLine.Parsing;
using SpecDecode.Drafting;
using SpecDecode.Generation;

namespace SpecDecode.Tool.Bench;

/// <summary>
/// One of the ways to draft that <c>--compare</c> names, in the words of the drafting options: <c>early-exit exit-layer=2 threshold=0.5</c>.
/// What goes together, and what values mean, is what it is for these.
/// </summary>
internal sealed class DraftSetting
{
    private readonly DraftArguments _draft;
    private readonly ParseResult _arguments;

    private DraftSetting(string text, DraftArguments draft, ParseResult arguments)
    {
        Text = text;
        _draft = draft;
        _arguments = arguments;
    }

    /// <summary>What was typed.</summary>
    public string Text { get; }

    /// <summary>What is wrong with it, a sentence each; empty where it can be read.</summary>
    public IReadOnlyList<string> Errors { get; private init; } = [];

    /// <summary>Whether a drafter runs layers, so that their copy and its vocabulary have a meaning.</summary>
    public bool RunsLayers => _draft.RunsLayers(_arguments);

    /// <summary>Takes a setting apart.</summary>
    /// <param name="text">The words.</param>
    /// <param name="weights">The value of <c>--draft-precision</c> beside it: a setting that names no strategy then drafts at full depth; null where there is none.</param>
    public static DraftSetting Parse(string text, string? weights)
    {
        Command command = new("setting");
        DraftArguments draft = new(command);
        Dictionary<string, string> options = Keys(command);
        List<string> errors = [];
        List<string> words = [];
        bool saysHow = false;
        foreach (string word in CommandLineParser.SplitCommandLine(text))
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            string name = (equals < 0 ? word : word[..equals]).ToLowerInvariant();
            if (equals < 0 && DraftArguments.Strategies.Contains(name))
            {
                words.Add($"{DraftArguments.StrategyOption}={name}");
                saysHow = true;
            }
            else if (equals < 0)
            {
                errors.Add(options.ContainsKey(name)
                    ? $"'{word}' needs a value: write {name}=VALUE."
                    : $"'{word}' is not a way to draft{Meant(name, DraftArguments.Strategies, DraftArguments.Strategies)}");
            }
            else if (!options.TryGetValue(name, out string? option))
            {
                errors.Add($"'{name}' is not a word of a setting{Meant(name, options.Keys, options.Values.Where(value => !DraftArguments.IsOfModel(value)).Select(value => value[2..]))}");
            }
            else if (DraftArguments.IsOfModel(option))
            {
                errors.Add($"{name} is loaded with the model: give {option} beside --compare, for all settings.");
            }
            else if (equals == word.Length - 1)
            {
                errors.Add($"'{word}' has no value: write {name}=VALUE.");
            }
            else
            {
                words.Add($"{option}={word[(equals + 1)..]}");
                saysHow |= option == DraftArguments.ProfileOption;
            }
        }

        if (words.Count == 0 && errors.Count == 0)
        {
            errors.Add("it is empty. Name a way to draft, such as auto.");
        }

        if (!saysHow && weights is not null)
        {
            words.Add($"{DraftArguments.PrecisionOption}={weights}");
        }

        ParseResult arguments = command.Parse(words, new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
        IEnumerable<string> problems = errors.Count > 0 ? errors : arguments.Errors.Select(error => error.Message).Distinct();
        return new DraftSetting(text, draft, arguments) { Errors = [.. problems.Select(problem => $"--compare \"{text}\": {problem}")] };
    }

    /// <summary>Refuses a profile that cannot be read, ahead of the model.</summary>
    /// <exception cref="SpecDecodeException">It cannot be read, or is damaged.</exception>
    public void CheckProfile() => _draft.CheckProfile(_arguments);

    /// <summary>What it asks for.</summary>
    /// <param name="model">The model that drafts.</param>
    /// <param name="error">Where warnings go.</param>
    /// <exception cref="SpecDecodeException">A layer that the model does not have, or a profile that is not its own.</exception>
    public DraftingOptions Read(TextModel model, TextWriter error) => _draft.Read(_arguments, model, error);

    // Options are written without their dashes, and may be without "draft-", which a setting is about anyway.
    private static Dictionary<string, string> Keys(Command command)
    {
        Dictionary<string, string> keys = new(StringComparer.Ordinal);
        foreach (string option in command.Options.Select(option => option.Name).Where(option => option != DraftArguments.StrategyOption))
        {
            keys[option[2..]] = option;
            keys[option.StartsWith("--draft-", StringComparison.Ordinal) ? option["--draft-".Length..] : option[2..]] = option;
        }

        return keys;
    }

    private static string Meant(string typed, IEnumerable<string> words, IEnumerable<string> all) => Suggestion.Nearest(typed, words) is { } meant
        ? $"; did you mean {meant}?"
        : $": give one of {string.Join(", ", all.Distinct())}.";
}
