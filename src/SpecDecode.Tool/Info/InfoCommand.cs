using System.CommandLine;
using SpecDecode.Generation;
using SpecDecode.Models;

namespace SpecDecode.Tool.Info;

/// <summary><c>specdecode info</c>: what a folder holds, what it takes, and whether it would load.</summary>
internal static class InfoCommand
{
    /// <summary>The command.</summary>
    public static Command Create(TextWriter output)
    {
        Command command = new("info", "Say what a model's folder holds, what memory it takes, and why it would be refused, without loading it.");
        Option<string> model = new("--model") { Description = "Checkpoint folder, or a prepared one.", HelpName = "DIR", Required = true };
        Option<bool> json = new("--json") { Description = "Print one JSON object in place of the lines." };
        command.Options.Add(model);
        command.Options.Add(json);
        command.SetAction(arguments =>
        {
            ModelSummary summary = TextModel.Inspect(arguments.GetValue(model)!);
            if (arguments.GetValue(json))
            {
                InfoJson.Write(output, summary);
            }
            else
            {
                InfoText.Write(output, arguments.GetValue(model)!, summary);
            }

            return summary.CanLoad ? CommandLine.Success : CommandLine.BadInput;
        });
        return command;
    }
}
