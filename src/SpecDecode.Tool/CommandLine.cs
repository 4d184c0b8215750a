using System.CommandLine;
using System.CommandLine.Parsing;

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
    /// <param name="cancellation">Ends a text early.</param>
    /// <returns>The exit code.</returns>
    public static int Run(IReadOnlyList<string> args, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        RootCommand root = new("Text and logits of a language model's checkpoint folder, on ONNX Runtime.")
        {
            GenerateCommand.Create(output, error, cancellation),
            LogitsCommand.Create(output, error, cancellation),
        };

        // No response files: a prompt may begin with @. No bundling: there are no one-letter options.
        ParserConfiguration parsing = new() { ResponseFileTokenReplacer = null, EnablePosixBundling = false };
        ParseResult result = root.Parse(args, parsing);
        if (result.Errors.Count > 0)
        {
            foreach (ParseError problem in result.Errors)
            {
                error.WriteLine($"specdecode: {problem.Message}");
            }

            string command = result.CommandResult.Command is RootCommand ? "" : " " + result.CommandResult.Command.Name;
            error.WriteLine($"See: specdecode{command} --help");
            return Misuse;
        }

        try
        {
            return result.Invoke(new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false });
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
    }
}
