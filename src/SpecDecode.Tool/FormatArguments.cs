using System.CommandLine;
using System.CommandLine.Parsing;
using SpecDecode.Grammars;

namespace SpecDecode.Tool;

/// <summary>The options that hold a text to a form.</summary>
internal sealed class FormatArguments
{
    private static readonly Dictionary<string, JsonWhiteSpace> WhiteSpaces = new(StringComparer.OrdinalIgnoreCase)
    {
        ["compact"] = JsonWhiteSpace.Compact,
        ["spaced"] = JsonWhiteSpace.Spaced,
        ["free"] = JsonWhiteSpace.Free,
    };

    private static readonly Dictionary<string, JsonPropertyOrder> PropertyOrders = new(StringComparer.OrdinalIgnoreCase)
    {
        ["as-given"] = JsonPropertyOrder.AsGiven,
        ["free"] = JsonPropertyOrder.Free,
    };

    private readonly Option<string?> _schema = new("--json-schema") { Description = "The text is JSON by the JSON schema in this file.", HelpName = "FILE" };

    private readonly Option<bool> _object = new("--json-object") { Description = "The text is a JSON object." };

    private readonly Option<string?> _regex = new("--regex") { Description = "The text matches this regular expression as a whole.", HelpName = "R" };

    private readonly Option<string[]> _choice = new("--choice")
    {
        Description = "The text is this, or another --choice.", HelpName = "TEXT", Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> _grammar = new("--grammar") { Description = "The text is what the rules in this file allow, in llama.cpp's notation (GBNF).", HelpName = "FILE" };

    private readonly Option<string?> _whiteSpace = new("--json-white-space")
    {
        Description = "Where JSON has white space: nowhere, one space behind commas and colons, or as the model likes; by default compact.",
    };

    private readonly Option<string?> _propertyOrder = new("--json-property-order")
    {
        Description = "The order of an object's properties: as the schema lists them, or any; by default as-given.",
    };

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    public FormatArguments(Command command)
    {
        _whiteSpace.AcceptWords([.. WhiteSpaces.Keys]);
        _propertyOrder.AcceptWords([.. PropertyOrders.Keys]);
        foreach (Option option in (Option[])[.. All, _whiteSpace, _propertyOrder])
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

        foreach (Option option in (Option[])[_whiteSpace, _propertyOrder])
        {
            if (result.GetResult(option) is not null && result.GetResult(_schema) is null && result.GetResult(_object) is null)
            {
                result.AddError($"{option.Name} has no effect without --json-schema or --json-object.");
            }
        }
    }

    /// <summary>The grammar that the options ask for; null for none.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="cancellationToken">Ends the reading of a file.</param>
    /// <exception cref="SpecDecodeException">A file cannot be read, or what it asks for cannot be honoured.</exception>
    public Grammar? Read(ParseResult arguments, CancellationToken cancellationToken)
    {
        JsonGrammarOptions written = new()
        {
            WhiteSpace = arguments.GetValue(_whiteSpace) is { } space ? WhiteSpaces[space] : default,
            PropertyOrder = arguments.GetValue(_propertyOrder) is { } order ? PropertyOrders[order] : default,
        };
        if (arguments.GetValue(_schema) is { } schema)
        {
            return Grammar.OfJsonSchema(InputFile.ReadText(schema, cancellationToken), written);
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
            : arguments.GetValue(_object) ? Grammar.OfJsonObject(written)
            : null;
    }
}
