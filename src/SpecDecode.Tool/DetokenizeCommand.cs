using System.CommandLine;

namespace SpecDecode.Tool;

/// <summary><c>specdecode detokenize</c>: token ids to text.</summary>
internal static class DetokenizeCommand
{
    /// <summary>The command.</summary>
    public static Command Create(TextWriter output, TextWriter error)
    {
        Command command = new("detokenize", "Turn token ids into text, and print it without a line end of its own.");
        TokenizerArguments tokenizer = new(command);
        Option<int[]?> tokens = ListOption.TokensOrNone("--tokens", "The token ids.");
        tokens.Required = true;
        Option<bool> special = new("--special") { Description = "Write special tokens out; otherwise they have no text." };
        Option<bool> json = new("--json") { Description = "Print one JSON object in place of the text." };
        command.Options.Add(tokens);
        command.Options.Add(special);
        command.Options.Add(json);
        command.SetAction(arguments =>
        {
            string text = tokenizer.Load(arguments, error).Decode(arguments.GetValue(tokens)!, skipSpecialTokens: !arguments.GetValue(special));
            if (arguments.GetValue(json))
            {
                JsonResult.Write(output, writer => writer.WriteString("text", text));
            }
            else
            {
                output.Write(text);
            }

            return CommandLine.Success;
        });
        return command;
    }
}
