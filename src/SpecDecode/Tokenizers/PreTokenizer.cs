using System.Text.RegularExpressions;

namespace SpecDecode.Tokenizers;

/// <summary>Cuts text into the words that are encoded apart from each other.</summary>
internal abstract class PreTokenizer
{
    /// <summary>Replaces the pieces by their parts, none of them empty.</summary>
    public abstract List<Piece> Apply(List<Piece> pieces);

    /// <summary>Reads the object <c>pre_tokenizer</c>; null leaves the text whole.</summary>
    /// <exception cref="UnsupportedTokenizerException">Its kind is unknown.</exception>
    public static PreTokenizer? Read(JsonNode? node)
    {
        if (node is not { } part)
            return null;
        var type = part.Get("type");
        return type.Text() switch
        {
            "Sequence" => new SequencePreTokenizer([.. part.Get("pretokenizers").Items().Select(item => Read(item)!)]),
            "ByteLevel" => new ByteLevelPreTokenizer(part.Get("add_prefix_space").Flag(), part.Flag("use_regex", true)),
            "Metaspace" => MetaspacePreTokenizer.Read(part),
            "Split" => new SplitPreTokenizer(Pattern(part.Get("pattern")), Behavior(part.Get("behavior")), part.Flag("invert", false)),
            "Digits" => Split(part, @"\p{N}", part.Flag("individual_digits", false) ? SplitBehavior.Isolated : SplitBehavior.Contiguous),
            "Punctuation" => Split(
                part, @"[\p{P}!-/:-@\[-`{-~]", part.TryGet("behavior") is { } behavior ? Behavior(behavior) : SplitBehavior.Isolated),
            "Whitespace" => new SplitPreTokenizer(CodePointRegex.Create(@"\w+|[^\w\s]+", part), SplitBehavior.Removed, true),
            "WhitespaceSplit" => Split(part, @"\s", SplitBehavior.Removed),
            "CharDelimiterSplit" => Split(part, Regex.Escape(part.Get("delimiter").Character().ToString()), SplitBehavior.Removed),
            var other => throw type.Unsupported($"is the pre-tokenizer '{other}', which is not supported"),
        };
    }

    /// <summary>Reads a pattern: <c>{"String": ...}</c>, taken literally, or <c>{"Regex": ...}</c>.</summary>
    internal static CodePointRegex Pattern(JsonNode node)
    {
        if (node.TryGet("String") is not { } literal)
            return CodePointRegex.Create(node.Get("Regex").Text(), node.Get("Regex"));
        return literal.Text().Length > 0
            ? CodePointRegex.Create(Regex.Escape(literal.Text()), literal)
            : throw literal.Error("is empty");
    }

    private static SplitPreTokenizer Split(JsonNode node, string pattern, SplitBehavior behavior) =>
        new(CodePointRegex.Create(pattern, node), behavior, invert: false);

    private static SplitBehavior Behavior(JsonNode node) => node.Text() switch
    {
        "Removed" => SplitBehavior.Removed,
        "Isolated" => SplitBehavior.Isolated,
        "MergedWithPrevious" => SplitBehavior.MergedWithPrevious,
        "MergedWithNext" => SplitBehavior.MergedWithNext,
        "Contiguous" => SplitBehavior.Contiguous,
        var other => throw node.Unsupported($"is the split behavior '{other}', which is not supported"),
    };

    private sealed class SequencePreTokenizer(PreTokenizer[] parts) : PreTokenizer
    {
        public override List<Piece> Apply(List<Piece> pieces)
        {
            foreach (var part in parts)
                pieces = part.Apply(pieces);
            return pieces;
        }
    }
}
