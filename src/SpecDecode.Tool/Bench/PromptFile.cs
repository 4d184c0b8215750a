using System.Text.Json;

namespace SpecDecode.Tool.Bench;

/// <summary>A file of prompts: one a line, or JSON lines with <c>prompt</c> or <c>turns</c>, of which the first counts.</summary>
internal static class PromptFile
{
    /// <summary>Reads the prompts; empty lines are passed over.</summary>
    /// <param name="path">The file; JSON lines where its name ends in <c>.jsonl</c>, or, of standard input, where the first line begins with a brace.</param>
    /// <param name="cancellationToken">Ends the waiting for a pipe or a terminal.</param>
    /// <exception cref="SpecDecodeException">The file cannot be read, has no prompt, or a line that is not what it should be.</exception>
    public static IReadOnlyList<string> Read(string path, CancellationToken cancellationToken)
    {
        string[] lines = [.. InputFile.ReadLines(path, cancellationToken)];
        bool isJson = path.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase)
            || path == InputFile.StandardInput && lines.FirstOrDefault(line => !string.IsNullOrWhiteSpace(line))?.TrimStart().StartsWith('{') == true;
        string[] prompts = [.. lines.Index()
            .Where(line => !string.IsNullOrWhiteSpace(line.Item))
            .Select(line => isJson ? Parse(path, line.Index + 1, line.Item) : line.Item)];
        return prompts.Length > 0 ? prompts : throw new SpecDecodeException($"{InputFile.NameOf(path)}: there is no prompt in it. Give at least one line.");
    }

    private static string Parse(string path, int number, string line)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(line);
            JsonElement root = json.RootElement;
            if (root.ValueKind == JsonValueKind.Object)
            {
                if (root.TryGetProperty("prompt", out JsonElement prompt) && prompt.ValueKind == JsonValueKind.String)
                {
                    return prompt.GetString()!;
                }

                if (root.TryGetProperty("turns", out JsonElement turns) && turns.ValueKind == JsonValueKind.Array
                    && turns.GetArrayLength() > 0 && turns[0].ValueKind == JsonValueKind.String)
                {
                    return turns[0].GetString()!;
                }
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // The latter for a text that is not valid Unicode.
            throw new SpecDecodeException($"{InputFile.NameOf(path)}, line {number}: it is not JSON ({error.Message}). Mend the line, or name the file without .jsonl.", error);
        }

        throw new SpecDecodeException($"{InputFile.NameOf(path)}, line {number}: it has neither a text 'prompt' nor 'turns' that begin with one. Add one of them.");
    }
}
