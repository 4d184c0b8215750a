using System.CommandLine;
using System.CommandLine.Parsing;
using SpecDecode.Tokenizers;

namespace SpecDecode.Tool;

/// <summary>The options that say which tokenizer, for commands that need no model.</summary>
internal sealed class TokenizerArguments
{
    private readonly Option<string?> _model = new("--model")
    {
        Description = "Checkpoint folder, of which only the tokenizer is read.",
        HelpName = "DIR",
    };

    private readonly Option<string?> _tokenizer = new("--tokenizer")
    {
        Description = "A tokenizer.json, or a SentencePiece model whose name ends in .model.",
        HelpName = "FILE",
    };

    /// <summary>Adds the options to a command.</summary>
    public TokenizerArguments(Command command)
    {
        command.Options.Add(_model);
        command.Options.Add(_tokenizer);
        command.Validators.Add(Check);
    }

    /// <summary>Loads the tokenizer; warnings go to <paramref name="error"/>.</summary>
    public TextTokenizer Load(ParseResult arguments, TextWriter error)
    {
        TextTokenizer tokenizer = arguments.GetValue(_model) is { } folder
            ? TextTokenizer.LoadFromFolder(folder)
            : TextTokenizer.Load(Existing(arguments.GetValue(_tokenizer)!));
        foreach (string warning in tokenizer.Warnings)
        {
            error.WriteLine($"specdecode: warning: {warning}");
        }

        return tokenizer;
    }

    private static string Existing(string file) =>
        file.Length > 0 ? file : throw new SpecDecodeException("--tokenizer is empty: give the path of a tokenizer.json or tokenizer.model.");

    private void Check(CommandResult result)
    {
        if (result.GetResult(_model) is null == result.GetResult(_tokenizer) is null)
        {
            result.AddError("Give either --model or --tokenizer, and not both.");
        }
    }
}
