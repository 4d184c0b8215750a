using System.CommandLine;
using System.Globalization;

namespace SpecDecode.Tool;

/// <summary><c>specdecode tokenize</c>: text to token ids.</summary>
internal static class TokenizeCommand
{
    /// <summary>The command.</summary>
    public static Command Create(TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        Command command = new("tokenize", "Turn text into token ids.");
        TokenizerArguments tokenizer = new(command);
        Option<string?> text = new("--text") { Description = "The text.", HelpName = "TEXT" };
        Option<string?> file = new("--file") { Description = "A file of UTF-8 that is the text, to its last byte; - is standard input.", HelpName = "FILE" };
        Option<bool> special = new("--special") { Description = "Add the special tokens that begin and end a text (BOS)." };
        Option<bool> parse = new("--parse-special") { Description = "Take special tokens that the text spells out as such, not as text." };
        Option<bool> json = new("--json") { Description = "Print one JSON object in place of the list." };
        command.Options.Add(text);
        command.Options.Add(file);
        command.Options.Add(special);
        command.Options.Add(parse);
        command.Options.Add(json);
        command.Validators.Add(result =>
        {
            if (result.GetResult(text) is null == result.GetResult(file) is null)
            {
                result.AddError("Give either --text or --file, and not both.");
            }
        });
        command.SetAction(arguments =>
        {
            string input = arguments.GetValue(text) ?? InputFile.ReadWhole(arguments.GetValue(file)!, cancellationToken);
            int[] ids = tokenizer.Load(arguments, error).Encode(input, arguments.GetValue(special), arguments.GetValue(parse));
            if (arguments.GetValue(json))
            {
                JsonResult.Write(output, writer => writer.WriteNumbers("ids", ids));
            }
            else
            {
                output.WriteLine(string.Join(',', ids.Select(id => id.ToString(CultureInfo.InvariantCulture))));
            }

            return CommandLine.Success;
        });
        return command;
    }
}
