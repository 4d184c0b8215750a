using System.CommandLine;
using SpecDecode.Evaluation;
using SpecDecode.Generation;
using SpecDecode.Tool.Calibrate;

namespace SpecDecode.Tool.Layers;

/// <summary><c>specdecode layers</c>: how much each layer of a model matters for a text.</summary>
internal static class LayersCommand
{
    private const int DefaultMaxTokens = 256;

    /// <summary>The command.</summary>
    public static Command Create(TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        Command command = new("layers", "Print how much each layer of the model matters for a text, and what it takes.");
        ModelArguments model = new(command);
        Option<string> text = new("--text")
        {
            Description = "UTF-8 file of documents separated by blank lines; a few thousand tokens are enough; - is standard input.",
            HelpName = "FILE",
            Required = true,
        };
        Option<int?> maxTokens = NumberOption.Optional(
            "--max-tokens", "N", $"Tokens of a document that count, from its first; by default {DefaultMaxTokens}.");
        Option<string?> svg = new("--svg") { Description = "Draw a bar chart there.", HelpName = "FILE" };
        Option<string?> html = new("--html") { Description = "Write a page with chart and tables there, all in one file.", HelpName = "FILE" };
        Option<bool> json = new("--json") { Description = "Print one JSON object in place of the tables." };
        Option<bool> quiet = QuietOption.Create("Show no progress.");
        foreach (Option option in (Option[])[text, maxTokens, svg, html, json, quiet])
        {
            command.Options.Add(option);
        }

        command.SetAction(arguments =>
        {
            OutputPath.Check("--svg", arguments.GetValue(svg));
            OutputPath.Check("--html", arguments.GetValue(html));
            IReadOnlyList<string> documents = DocumentFile.Read(arguments.GetValue(text)!, cancellationToken);
            bool isQuiet = arguments.GetValue(quiet);
            using TextModel loaded = model.Load(arguments, error, isQuiet, cancellationToken);
            ProgressLine line = ProgressLine.Of(error, isQuiet);
            LayerReport report = loaded.MeasureLayers(
                documents, arguments.GetValue(maxTokens) ?? DefaultMaxTokens, new ShownProgress(line, "measuring layers"), cancellationToken);
            line.Clear();
            string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(model.Folder(arguments))));
            if (arguments.GetValue(json))
            {
                LayersJson.Write(output, report);
            }
            else
            {
                LayersTable.Write(output, report);
            }

            if (arguments.GetValue(svg) is { } picture)
            {
                OutputPath.Write(picture, LayersChart.Draw(name, report));
            }

            if (arguments.GetValue(html) is { } page)
            {
                OutputPath.Write(page, LayersPage.Write(name, report));
            }

            return CommandLine.Success;
        });
        return command;
    }
}
