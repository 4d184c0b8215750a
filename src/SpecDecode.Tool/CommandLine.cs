using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using SpecDecode.Tool.Bench;
using SpecDecode.Tool.Calibrate;
using SpecDecode.Tool.Info;
using SpecDecode.Tool.Layers;
using SpecDecode.Tool.Prune;
using SpecDecode.Tool.Watch;

namespace SpecDecode.Tool;

/// <summary>The <c>specdecode</c> command: parses, runs, and turns errors into a sentence and an exit code.</summary>
internal static class CommandLine
{
    /// <summary>It went as asked.</summary>
    public const int Success = 0;

    /// <summary>Bad input: a checkpoint, a prompt, an option's value for this model.</summary>
    public const int BadInput = 1;

    /// <summary>The command line cannot be understood.</summary>
    public const int Misuse = 2;

    /// <summary>It was ended before it was through, as by Ctrl+C: 128 and the signal's number.</summary>
    public const int Interrupted = 130;

    /// <summary>The same by SIGTERM.</summary>
    public const int Terminated = 143;

    /// <summary>Runs a command line.</summary>
    /// <param name="args">Its words.</param>
    /// <param name="output">Takes the result and nothing else.</param>
    /// <param name="error">Takes progress, warnings and errors.</param>
    /// <param name="cancellationToken">Ends a text early.</param>
    /// <returns>The exit code.</returns>
    public static int Run(IReadOnlyList<string> args, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        // Not a RootCommand: that is named after the program's file.
        Command root = new("specdecode", "Text and logits of a language model's checkpoint folder, on ONNX Runtime.")
        {
            new HelpOption(),
            new VersionOption(),
        };

        // Making the options of a command takes longer than reading the words, so that of a command that is named is the only one made.
        (string Name, Func<Command> Create)[] commands = Commands(output, error, cancellationToken);
        bool isNamed = args.Count > 0 && commands.Any(command => command.Name == args[0]);
        foreach ((string name, Func<Command> create) in commands)
        {
            if (!isNamed || name == args[0])
            {
                root.Add(create());
            }
        }

        // No response files: a prompt may begin with @. No bundling: there are no one-letter options.
        ParserConfiguration parsing = new() { ResponseFileTokenReplacer = null, EnablePosixBundling = false };
        ParseResult result = root.Parse(Words(args), parsing);
        if (result.Errors.Count > 0)
        {
            Command command = result.CommandResult.Command;
            foreach (string problem in command == root ? [NoCommand(root, result)] : result.Errors.Select(problem => Sentence(command, result, problem)).Distinct())
            {
                error.WriteLine($"specdecode: {problem}");
            }

            error.WriteLine($"See: specdecode{(command == root ? "" : " " + command.Name)} --help");
            return Misuse;
        }

        try
        {
            int exitCode = result.Invoke(new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false });
            output.Flush();
            return exitCode;
        }
        catch (OptionException problem)
        {
            error.WriteLine($"specdecode: {problem.Describe(OptionNames.Of)}");
            return BadInput;
        }
        catch (SpecDecodeException problem)
        {
            error.WriteLine($"specdecode: {problem.Message}");
            return BadInput;
        }
        catch (OperationCanceledException)
        {
            error.WriteLine("specdecode: cancelled before there was a result.");
            return Interrupted;
        }
        catch (IOException problem)
        {
            error.WriteLine($"specdecode: {problem.Message}");
            return BadInput;
        }
        catch (UnauthorizedAccessException problem)
        {
            // What a closed descriptor is told as, with the system's own words within. A reader who has gone does not come here.
            error.WriteLine($"specdecode: the result cannot be written ({problem.GetBaseException().Message.TrimEnd('.')}): give the command an open standard output.");
            return BadInput;
        }
    }

    /// <summary>All commands, by name, in the order in which help names them.</summary>
    internal static (string Name, Func<Command> Create)[] Commands(TextWriter output, TextWriter error, CancellationToken cancellationToken) =>
    [
        ("generate", () => GenerateCommand.Create(output, error, cancellationToken)),
        ("logits", () => LogitsCommand.Create(output, error, cancellationToken)),
        ("bench", () => BenchCommand.Create(output, error, cancellationToken)),
        ("calibrate", () => CalibrateCommand.Create(output, error, cancellationToken)),
        ("perplexity", () => PerplexityCommand.Create(output, error, cancellationToken)),
        ("layers", () => LayersCommand.Create(output, error, cancellationToken)),
        ("prune", () => PruneCommand.Create(output, error, cancellationToken)),
        ("info", () => InfoCommand.Create(output)),
        ("watch", () => WatchCommand.Create(output, error, cancellationToken)),
        ("prepare", () => PrepareCommand.Create(output, error, cancellationToken)),
        ("tokenize", () => TokenizeCommand.Create(output, error, cancellationToken)),
        ("detokenize", () => DetokenizeCommand.Create(output, error)),
        ("template", () => TemplateCommand.Create(output, cancellationToken)),
    ];

    private static string NoCommand(Command root, ParseResult result)
    {
        if (result.UnmatchedTokens is not [var word, ..])
        {
            return "Name a command.";
        }

        return $"'{word}' is not a command{Meant(word, root.Subcommands.Select(command => command.Name).Concat(root.Options.Select(option => option.Name)))}";
    }

    // What the parser says of a word that it does not know helps nobody who mistyped an option.
    private static string Sentence(Command command, ParseResult result, ParseError problem)
    {
        string? word = result.UnmatchedTokens.FirstOrDefault(token => problem.Message.EndsWith($"'{token}'.", StringComparison.Ordinal));
        return word is null || !word.StartsWith('-') ? problem.Message
            : $"'{word}' is not an option of {command.Name}{Meant(word.Split('=')[0], command.Options.Select(option => option.Name))}";
    }

    private static string Meant(string typed, IEnumerable<string> words) => Suggestion.Nearest(typed, words) is { } meant ? $"; did you mean {meant}?" : ".";

    // The parser takes the word after an empty "--name=" as its value, and "--" as the end of the options even where a
    // prompt is expected.
    private static List<string> Words(IReadOnlyList<string> args)
    {
        List<string> words = [];
        foreach (string word in args)
        {
            if (word.StartsWith("--", StringComparison.Ordinal) && word.EndsWith('=') && word.IndexOf('=', StringComparison.Ordinal) == word.Length - 1)
            {
                words.AddRange([word[..^1], ""]);
            }
            else if (word == "--" && words is [.., "--prompt" or "--text"])
            {
                words[^1] += "=--";
            }
            else
            {
                words.Add(word);
            }
        }

        return words;
    }
}
