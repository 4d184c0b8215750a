using System.CommandLine;
using System.CommandLine.Help;
using SpecDecode.Tool.Bench;

namespace SpecDecode.Tool;

/// <summary>The <c>specdecode</c> command: parses, runs, and turns errors into a sentence and an exit code.</summary>
internal static class CommandLine
{
    /// <summary>It went as asked; a text that was cancelled counts as that.</summary>
    public const int Success = 0;

    /// <summary>Bad input: a checkpoint, a prompt, an option's value for this model.</summary>
    public const int BadInput = 1;

    /// <summary>The command line cannot be understood.</summary>
    public const int Misuse = 2;

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
            GenerateCommand.Create(output, error, cancellationToken),
            LogitsCommand.Create(output, error, cancellationToken),
            BenchCommand.Create(output, error, cancellationToken),
            PerplexityCommand.Create(output, error, cancellationToken),
            PrepareCommand.Create(output, error, cancellationToken),
            TokenizeCommand.Create(output, error),
            DetokenizeCommand.Create(output, error),
            TemplateCommand.Create(output, cancellationToken),
        };

        // No response files: a prompt may begin with @. No bundling: there are no one-letter options.
        ParserConfiguration parsing = new() { ResponseFileTokenReplacer = null, EnablePosixBundling = false };
        ParseResult result = root.Parse(Words(args), parsing);
        if (result.Errors.Count > 0)
        {
            bool atRoot = result.CommandResult.Command == root;
            IEnumerable<string> problems = !atRoot ? result.Errors.Select(problem => problem.Message)
                : result.UnmatchedTokens is [var word, ..] ? [$"'{word}' is not a command."]
                : ["Name a command."];
            foreach (string problem in problems)
            {
                error.WriteLine($"specdecode: {problem}");
            }

            error.WriteLine($"See: specdecode{(atRoot ? "" : " " + result.CommandResult.Command.Name)} --help");
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
            return BadInput;
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
