using System.CommandLine;
using System.Globalization;
using SpecDecode.Evaluation;
using SpecDecode.Generation;

namespace SpecDecode.Tool;

/// <summary><c>specdecode perplexity</c>: how well a model predicts a text.</summary>
internal static class PerplexityCommand
{
    private const int DefaultMaxTokens = 256;

    /// <summary>The command.</summary>
    public static Command Create(TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        Command command = new("perplexity", "Print how well the model predicts a text: e to the mean negative log probability of a token.");
        ModelArguments model = new(command);
        Option<string> text = new("--text")
        {
            Description = "UTF-8 file of documents separated by blank lines; each is scored alone, after BOS; - is standard input.",
            HelpName = "FILE",
            Required = true,
        };
        Option<int?> maxTokens = NumberOption.Optional(
            "--max-tokens", "N", $"Tokens of a document that count, from its first; by default {DefaultMaxTokens}.");
        Option<bool> json = new("--json") { Description = "Print one JSON object in place of the sentence." };
        command.Options.Add(text);
        command.Options.Add(maxTokens);
        command.Options.Add(json);
        command.SetAction(arguments =>
        {
            IReadOnlyList<string> documents = DocumentFile.Read(arguments.GetValue(text)!, cancellationToken);
            using TextModel loaded = model.Load(arguments, error, isQuiet: false, cancellationToken);
            PerplexityResult result = loaded.Perplexity(documents, arguments.GetValue(maxTokens) ?? DefaultMaxTokens, cancellationToken: cancellationToken);
            if (arguments.GetValue(json))
            {
                JsonResult.Write(output, written =>
                {
                    written.WriteNumber("perplexity", Math.Round(result.Perplexity, 6));
                    written.WriteNumber("tokens", result.Tokens);
                });
            }
            else
            {
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"perplexity {result.Perplexity:f4} over {result.Tokens} tokens of {documents.Count} documents"));
            }

            return CommandLine.Success;
        });
        return command;
    }
}
