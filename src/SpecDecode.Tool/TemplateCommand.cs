using System.CommandLine;
using SpecDecode.ChatTemplates;

namespace SpecDecode.Tool;

/// <summary><c>specdecode template</c>: what a chat template makes of a conversation.</summary>
internal static class TemplateCommand
{
    /// <summary>The command.</summary>
    public static Command Create(TextWriter output, CancellationToken cancellationToken)
    {
        Command command = new("template", "Render a chat template and print the prompt, byte for byte.");
        Option<string> template = new("--template")
        {
            Description = "The template, a file of Jinja; - is standard input.",
            HelpName = "FILE",
            Required = true,
        };
        Option<string> conversation = new("--case")
        {
            Description = "JSON object with messages, add_generation_prompt, tools, bos_token, eos_token, now, and other variables; - is standard input.",
            HelpName = "FILE",
            Required = true,
        };
        command.Options.Add(template);
        command.Options.Add(conversation);
        command.Validators.Add(result =>
        {
            if (result.GetResult(template) is { Tokens: [{ Value: InputFile.StandardInput }] } && result.GetResult(conversation) is { Tokens: [{ Value: InputFile.StandardInput }] })
            {
                result.AddError("Standard input holds one of --template and --case: give the other one as a file.");
            }
        });
        command.SetAction(arguments =>
        {
            string path = arguments.GetValue(template)!;
            ChatTemplate parsed = ChatTemplate.Parse(InputFile.ReadText(path, cancellationToken), path);
            output.Write(parsed.Render(TemplateCase.Read(arguments.GetValue(conversation)!, cancellationToken), cancellationToken));
            return CommandLine.Success;
        });
        return command;
    }
}
