using System.CommandLine;
using System.CommandLine.Parsing;
using SpecDecode.Grammars;

namespace SpecDecode.Tool;

/// <summary>The options that hold a text to a form.</summary>
internal sealed class FormatArguments
{
    private readonly Option<string?> _schema = new("--json-schema") { Description = "The text is JSON by the JSON schema in this file.", HelpName = "FILE" };

    private readonly Option<bool> _object = new("--json-object") { Description = "The text is a JSON object." };

    private readonly Option<string?> _regex = new("--regex") { Description = "The text matches this regular expression as a whole.", HelpName = "R" };

    private readonly Option<string[]> _choice = new("--choice")
    {
        Description = "The text is this, or another --choice.", HelpName = "TEXT", Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> _grammar = new("--grammar") { Description = "The text is what the rules in this file allow, in llama.cpp's notation (GBNF).", HelpName = "FILE" };

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    public FormatArguments(Command command)
    {
        foreach (Option option in All)
        {
            command.Options.Add(option);
        }
    }

    private Option[] All => [_schema, _object, _regex, _choice, _grammar];

    /// <summary>Refuses what contradicts itself.</summary>
    /// <param name="result">The command line.</param>
    public void Check(CommandResult result)
    {
        string[] given = [.. All.Where(option => result.GetResult(option) is not null).Select(option => option.Name)];
        if (given.Length > 1)
        {
            result.AddError($"{string.Join(" and ", given)} each say what the text is; give one of them.");
        }
    }

    /// <summary>The grammar that the options ask for; null for none.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="cancellationToken">Ends the reading of a file.</param>
    /// <exception cref="SpecDecodeException">A file cannot be read, or what it asks for cannot be honoured.</exception>
    public Grammar? Read(ParseResult arguments, CancellationToken cancellationToken)
    {
        if (arguments.GetValue(_schema) is { } schema)
        {
            return Grammar.OfJsonSchema(InputFile.ReadText(schema, cancellationToken));
        }

        if (arguments.GetValue(_grammar) is { } rules)
        {
            return Grammar.OfGbnf(InputFile.ReadText(rules, cancellationToken));
        }

        if (arguments.GetValue(_regex) is { } regex)
        {
            return Grammar.OfRegex(regex);
        }

        return arguments.GetResult(_choice) is not null ? Grammar.OfChoices(arguments.GetValue(_choice)!)
            : arguments.GetValue(_object) ? Grammar.OfJsonObject()
            : null;
    }
}
