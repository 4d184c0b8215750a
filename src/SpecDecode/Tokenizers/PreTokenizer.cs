using SpecDecode.Tokenizers.Patterns;

namespace SpecDecode.Tokenizers;

/// <summary>Cuts text into the words that are encoded apart from each other.</summary>
internal abstract class PreTokenizer
{
    // ASCII punctuation, which has symbols among it, and the category.
    private static readonly CodePointSet Punctuation = CodePointSet.Range('!', '/').Union(CodePointSet.Range(':', '@'))
        .Union(CodePointSet.Range('[', '`')).Union(CodePointSet.Range('{', '~')).Union(CodePointSet.Category("P"));

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
            "ByteLevel" => new ByteLevelPreTokenizer(part.Flag("add_prefix_space", true), part.Flag("use_regex", true)),
            "Metaspace" => MetaspacePreTokenizer.Read(part),
            "Split" => new SplitPreTokenizer(TextPattern.Read(part.Get("pattern")), Behavior(part.Get("behavior")), part.Flag("invert", false)),
            "Digits" => Split(
                CodePointSet.Category("N"), part.Flag("individual_digits", false) ? SplitBehavior.Isolated : SplitBehavior.Contiguous),
            "Punctuation" => Split(Punctuation, part.TryGet("behavior") is { } behavior ? Behavior(behavior) : SplitBehavior.Isolated),
            "Whitespace" => new SplitPreTokenizer(
                TextPattern.Runs(CodePointSet.UnicodeWord, CodePointSet.UnicodeWord.Union(CodePointSet.Space).Invert()), SplitBehavior.Removed, true),
            "WhitespaceSplit" => Split(CodePointSet.Space, SplitBehavior.Removed),
            "BertPreTokenizer" => new SequencePreTokenizer(
                [Split(CodePointSet.Space, SplitBehavior.Removed), Split(Punctuation, SplitBehavior.Isolated)]),
            "CharDelimiterSplit" => Split(CodePointSet.Of(part.Get("delimiter").Character().Value), SplitBehavior.Removed),
            "FixedLength" => new SplitPreTokenizer(
                TextPattern.Compile($"(?m:.{{1,{part.Get("length").Number(1000)}}})"), SplitBehavior.Isolated, invert: false),
            var other => throw type.Unsupported($"is the pre-tokenizer '{other}', which is not supported"),
        };
    }

    private static SplitPreTokenizer Split(CodePointSet set, SplitBehavior behavior) => new(TextPattern.One(set), behavior, invert: false);

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
