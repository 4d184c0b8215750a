using System.Globalization;
using SpecDecode.Drafting.Profiles;
using SpecDecode.Models;
using SpecDecode.Sampling;

namespace SpecDecode.Tool.Info;

/// <summary>A model's facts as lines.</summary>
internal static class InfoText
{
    /// <summary>Writes the lines.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="folder">The folder as it was given.</param>
    /// <param name="summary">The facts.</param>
    public static void Write(TextWriter output, string folder, ModelSummary summary)
    {
        void Line(string name, FormattableString text) => output.WriteLine($"{name,-13}{text.ToString(CultureInfo.InvariantCulture)}");
        Line("folder", $"{Printable(folder)}{(summary.IsPrepared ? ", prepared" : "")}");
        if (summary.Decoder is { } decoder)
        {
            Line("model", $"{summary.Family}, {decoder.LayerCount} layers, {Count(decoder.Parameters)} parameters, stored as {string.Join(" and ", decoder.StoredTypes)}");
            Line("sizes", $"hidden {decoder.HiddenSize}, MLP {decoder.IntermediateSize}, {decoder.QueryHeads} heads of {decoder.HeadSize}, {decoder.KeyValueHeads} for keys and values, vocabulary {decoder.VocabularySize}");
            Line("embedding", $"{(decoder.TiesEmbedding ? "tied: it is the head, too" : "not tied: the head is a matrix of its own")}");
            Line("context", $"{decoder.MaxSequenceLength} tokens{Window(decoder)}");
            Line("rotary", $"base {decoder.RotaryBase}, {decoder.RotaryChannels} of {decoder.HeadSize} channels{Layers(decoder)}, {(decoder.RotaryScaling is { } scaling ? $"scaled by {scaling}" : "not scaled")}");
        }
        else
        {
            Line("model", $"{(summary.Family is { } family ? Printable(family) : "none that is known")}");
        }

        Line("tokenizer", $"{(summary.Tokenizer is { } tokenizer ? $"{tokenizer.Kind} with {tokenizer.VocabularySize} ids, from {tokenizer.File}" : "none")}");
        Line("chat", $"{(summary.ChatTemplate is { } chat ? $"template {string.Join(", ", chat.Names.Select(Printable))}, from {chat.File}" : "no template")}");
        Line("text ends", $"{Ends(summary)}");
        if (summary.Profile is { } profile)
        {
            Line("drafting", $"profile of {profile.Plans.Count} plans, from {DraftingProfile.FileName}{(profile.Plans[0].MeasuredSpeedup is { } speedup ? string.Create(CultureInfo.InvariantCulture, $"; the best was measured at {speedup:f2} times plain speed") : "")}; for --draft auto");
        }

        if (summary.SuggestedSampling is { } sampling)
        {
            Line("sampling", $"generation_config.json suggests {Options(sampling)}; not applied unless asked for");
        }

        if (summary.Decoder is { } sized)
        {
            WriteMemory(output, sized);
        }

        foreach (string warning in summary.Warnings)
        {
            Line("note", $"{warning}");
        }

        Line("loads", $"{(summary.CanLoad ? "yes" : "no, for what follows")}");
        foreach (string problem in summary.Problems)
        {
            output.WriteLine($"- {problem}");
        }
    }

    /// <summary>The sampling as options of the command line.</summary>
    private static string Options(SamplingOptions sampling)
    {
        List<string> options = [string.Create(CultureInfo.InvariantCulture, $"--temperature {sampling.Temperature}")];
        if (sampling.TopK > 0)
        {
            options.Add(string.Create(CultureInfo.InvariantCulture, $"--top-k {sampling.TopK}"));
        }

        if (sampling.TopP < 1)
        {
            options.Add(string.Create(CultureInfo.InvariantCulture, $"--top-p {sampling.TopP}"));
        }

        if (sampling.MinP > 0)
        {
            options.Add(string.Create(CultureInfo.InvariantCulture, $"--min-p {sampling.MinP}"));
        }

        return string.Join(' ', options);
    }

    private static void WriteMemory(TextWriter output, DecoderSummary decoder)
    {
        string name = "memory";
        foreach (WeightSummary weights in decoder.Weights)
        {
            string precision = PrecisionArguments.Name(weights.Precision);
            output.WriteLine($"{name,-13}{precision}: {Size(weights.MemoryBytes)} of weights, from a prepared file of {Size(weights.FileBytes)}");
            name = "";
        }

        WeightSummary own = decoder.Weights[0];
        foreach (WeightSummary copy in decoder.Weights.Skip(1).Where(copy => copy.MemoryBytes < own.MemoryBytes))
        {
            output.WriteLine($"{name,-13}{PrecisionArguments.Name(own.Precision)} with a copy in {PrecisionArguments.Name(copy.Precision)} that drafts: {Size(own.MemoryBytes + copy.MemoryBytes)}");
        }

        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name,-13}keys and values: {decoder.KvBytesPerToken} bytes a token, {Size(decoder.KvBytesOfContext)} for a sequence of {decoder.MaxSequenceLength}"));
    }

    private static string Window(DecoderSummary decoder) => decoder.Window is not { } window ? ""
        : string.Create(CultureInfo.InvariantCulture, $", of which {(decoder.WindowLayers == decoder.LayerCount ? "every layer" : $"{decoder.WindowLayers} layers")} see the last {window}");

    private static string Layers(DecoderSummary decoder) => decoder.RotaryLayers == decoder.LayerCount ? ""
        : string.Create(CultureInfo.InvariantCulture, $" in {decoder.RotaryLayers} of {decoder.LayerCount} layers");

    private static string Ends(ModelSummary summary)
    {
        IEnumerable<string> ends = summary.EndOfSequence.Select((id, i) =>
            string.Create(CultureInfo.InvariantCulture, $"{id}") + (summary.Tokenizer?.EndOfSequence[i] is { Length: > 0 } text ? $" {Printable(text)}" : ""));
        return summary.EndOfSequence.Count > 0 ? string.Join(", ", ends) : "at its longest only: no end-of-sequence token is named";
    }

    // What comes out of a file is shown, not obeyed.
    private static string Printable(string text) => string.Concat(text.Take(80).Select(character =>
        char.IsControl(character) || char.IsSurrogate(character) ? string.Create(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}") : $"{character}"));

    private static string Count(long number) => number switch
    {
        >= 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{number / 1e9:f2} billion"),
        >= 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{number / 1e6:f1} million"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{number}"),
    };

    private static string Size(long bytes) => bytes >= 10_000_000_000
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:f1} GB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:f1} MB");
}
