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
            Description = "The template, a file of Jinja.",
            HelpName = "FILE",
            Required = true,
        };
        Option<string> conversation = new("--case")
        {
            Description = "JSON object with messages, add_generation_prompt, tools, bos_token, eos_token, now, and other variables.",
            HelpName = "FILE",
            Required = true,
        };
        command.Options.Add(template);
        command.Options.Add(conversation);
        command.SetAction(arguments =>
        {
            string path = arguments.GetValue(template)!;
            ChatTemplate parsed = ChatTemplate.Parse(InputFile.ReadText(path), path);
            output.Write(parsed.Render(TemplateCase.Read(arguments.GetValue(conversation)!), cancellationToken));
            return CommandLine.Success;
        });
        return command;
    }
}
