using System.Globalization;
using System.Text;
using System.Text.Json;
using SpecDecode.Checkpoints;
using SpecDecode.Drafting.Profiles;

namespace SpecDecode.Pruning;

/// <summary>A pruned model's README.md: what was dropped, from which model, and what it costs.</summary>
internal static class ModelCard
{
    /// <summary>The file.</summary>
    public const string FileName = "README.md";

    /// <summary>What the original's card is called beside it.</summary>
    /// <param name="folder">The original's folder, whose other files keep their names.</param>
    public static string NameOfOriginal(string folder)
    {
        for (int number = 1; ; number++)
        {
            string name = number == 1 ? "README-original.md" : string.Create(CultureInfo.InvariantCulture, $"README-original-{number}.md");
            if (!CheckpointFolder.IsThere(Path.Combine(folder, name)))
            {
                return name;
            }
        }
    }

    /// <summary>Writes the card.</summary>
    /// <param name="checkpoint">The original.</param>
    /// <param name="identity">Which model it is.</param>
    /// <param name="result">What was dropped of it.</param>
    /// <param name="options">What else is known.</param>
    public static string Write(Checkpoint checkpoint, ModelIdentity identity, PrunedModel result, PruningOptions options)
    {
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(checkpoint.Folder));
        int count = identity.LayerCount;
        StringBuilder card = new();
        void Line(FormattableString line) => card.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
        Line($"---");
        Line($"library_name: transformers");
        Line($"pipeline_tag: text-generation");
        Line($"tags: [pruned, layer-pruning]");
        Line($"model_name: {JsonSerializer.Serialize($"{name}, {result.Kept.Count} of {count} layers")}");
        Line($"---");
        Line($"");
        Line($"# {Code(name)} with {result.Kept.Count} of its {count} layers");
        Line($"");
        Line($"This checkpoint is {Code(name)} without {(result.Dropped.Count == 1 ? "one layer" : $"{result.Dropped.Count} layers")}: attention and MLP of each dropped layer are gone, all other weights are the original's, byte for byte. It was not trained afterwards.");
        Line($"");
        Line($"| | |");
        Line($"|---|---|");
        Line($"| dropped layers, counted from 0 | {string.Join(", ", result.Dropped)} |");
        Line($"| layers that stay, in their order | {string.Join(", ", result.Kept)} |");
        if (options.ChosenBy is { } chosen)
        {
            Line($"| chosen | {Cell(chosen)} |");
        }

        Line($"| original | {Code(name)}, family {identity.Family}, {count} layers, fingerprint {Code(identity.Fingerprint ?? "")} |");
        Line($"| bytes of the weights | {result.Bytes}, {100.0 * result.Bytes / result.OriginalBytes:f1} % of {result.OriginalBytes} |");
        Line($"");
        if (options.Effect is { } effect)
        {
            Line($"| perplexity{(effect.Text is { } text ? $" on {Code(text)}" : "")}, {effect.Tokens} tokens | |");
            Line($"|---|---|");
            Line($"| before, {count} layers | {effect.Before:f4} |");
            Line($"| after, {result.Kept.Count} layers | {effect.After:f4} |");
        }
        else
        {
            Line($"What the dropped layers cost was not measured.");
        }

        Line($"");
        if (CheckpointFolder.IsThere(Path.Combine(checkpoint.Folder, FileName)))
        {
            Line($"The original's card is in `{NameOfOriginal(checkpoint.Folder)}`. Its licence and its terms hold for this checkpoint as well.");
        }
        else
        {
            Line($"The original's licence and terms hold for this checkpoint as well.");
        }

        Line($"");
        Line($"Layers are numbered anew, and config.json says for each of them what it said before. Made by `specdecode prune`.");
        return card.ToString();
    }

    // A name may hold anything that a file's name may.
    private static string Code(string text) => $"`{Cell(text).Replace('`', '\'')}`";

    private static string Cell(string text) => CheckpointText.Shorten(text).Replace("|", "\\|", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);
}
