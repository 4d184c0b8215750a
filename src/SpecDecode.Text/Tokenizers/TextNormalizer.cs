namespace SpecDecode.Tokenizers;

/// <summary>Rewrites text before it is cut into words.</summary>
internal abstract class TextNormalizer
{
    // Units of UTF-16 that a composition, or a compatibility mapping before it, may make one.
    private const int ComposedUnits = 8;

    /// <summary>The most UTF-16 units of a text that become one; null where that has no bound.</summary>
    public virtual int? MostIntoOne => null;

    /// <summary>The rewritten text.</summary>
    /// <param name="text">Well-formed UTF-16.</param>
    /// <param name="atStart">
    /// Whether it begins where the whole text begins; what is left of it does no more where its first character is dropped.
    /// </param>
    /// <exception cref="SpecDecodeException">The result would be longer than is supported.</exception>
    public abstract string Apply(string text, ref bool atStart);

    /// <summary>Reads the object <c>normalizer</c>; null leaves the text as it is.</summary>
    /// <exception cref="UnsupportedTokenizerException">Its kind is unknown.</exception>
    public static TextNormalizer? Read(JsonNode? node)
    {
        if (node is not { } part)
            return null;
        var type = part.Get("type");
        switch (type.Text())
        {
            case "Sequence":
                return new SequenceNormalizer([.. part.Get("normalizers").Items().Select(item => Read(item)!)]);
            case "Prepend":
                var prefix = part.Get("prepend").Text();
                return new Rewrite(text => text.Length > 0 ? prefix + text : text, mostIntoOne: 1);
            case "Replace":
                return ReadReplace(part);
            case "NFC":
                return new Rewrite(text => UnicodeNormalizer.Normalize(text, compatible: false, compose: true), ComposedUnits);
            case "NFD":
                return new Rewrite(text => UnicodeNormalizer.Normalize(text, compatible: false, compose: false), ComposedUnits);
            case "NFKC":
                return new Rewrite(text => UnicodeNormalizer.Normalize(text, compatible: true, compose: true), ComposedUnits);
            case "NFKD":
                return new Rewrite(text => UnicodeNormalizer.Normalize(text, compatible: true, compose: false), ComposedUnits);
            case "Lowercase":
                return new Rewrite(CharacterRewriting.Lowercase);
            case "StripAccents":
                return new Rewrite(CharacterRewriting.WithoutMarks, drops: true);
            case "Nmt":
                return new Rewrite(CharacterRewriting.Nmt, drops: true);
            case "ByteLevel":
                return new Rewrite(text => ByteAlphabet.Spell(text), mostIntoOne: 1);
            case "BertNormalizer":
                return ReadBert(part);
            case "Precompiled":
                var map = PrecompiledCharsMap.Read(part.Get("precompiled_charsmap"));
                return new Rewrite(map.RewriteGraphemes, drops: true);
            case "Strip":
                bool left = part.Get("strip_left").Flag();
                bool right = part.Get("strip_right").Flag();
                return new Rewrite(text => Strip(text, left, right), drops: true);
            case var other:
                throw type.Unsupported($"is the normalizer '{other}', which is not supported");
        }
    }

    private static string Strip(string text, bool left, bool right)
    {
        var rest = left ? text.AsSpan().TrimStart() : text;
        return (right ? rest.TrimEnd() : rest).ToString();
    }

    private static Rewrite ReadReplace(JsonNode node)
    {
        var content = node.Get("content").Text();
        var pattern = node.Get("pattern");
        if (pattern.TryGet("String") is { } literal)
        {
            var old = literal.Text();
            return old.Length > 0
                ? new Rewrite(
                    text => TextRewriting.Replace(text, old, content), content.Length == 0 ? null : (old.Length + content.Length - 1) / content.Length,
                    drops: content.Length == 0)
                : throw literal.Error("is empty");
        }
        var regex = TextPattern.Read(pattern);
        return new Rewrite(text => TextRewriting.Replace(text, regex, content));
    }

    private static SequenceNormalizer ReadBert(JsonNode node)
    {
        bool lowercase = node.Flag("lowercase", true);
        List<TextNormalizer> parts = [];
        if (node.Flag("clean_text", true))
            parts.Add(new Rewrite(CharacterRewriting.Clean, drops: true));
        if (node.Flag("handle_chinese_chars", true))
            parts.Add(new Rewrite(CharacterRewriting.SpaceIdeographs));
        if (node.Flag("strip_accents", lowercase))
            parts.Add(new Rewrite(text => CharacterRewriting.WithoutNonspacingMarks(UnicodeNormalizer.Normalize(text, compatible: false, compose: false)), drops: true));
        if (lowercase)
            parts.Add(new Rewrite(CharacterRewriting.Lowercase));
        return new SequenceNormalizer([.. parts]);
    }

    private sealed class SequenceNormalizer(TextNormalizer[] parts) : TextNormalizer
    {
        public override int? MostIntoOne { get; } = parts.Aggregate((int?)1, (most, part) =>
            most * (long?)part.MostIntoOne is { } product and <= int.MaxValue ? (int)product : null);

        public override string Apply(string text, ref bool atStart)
        {
            foreach (var part in parts)
            {
                text = part.Apply(text, ref atStart);
                TextRewriting.Check(text.Length);
            }
            return text;
        }
    }

    private sealed class Rewrite(Func<string, string> rewrite, int? mostIntoOne = null, bool drops = false) : TextNormalizer
    {
        public override int? MostIntoOne => mostIntoOne;

        public override string Apply(string text, ref bool atStart)
        {
            if (drops && atStart && text.Length > 0)
                atStart = rewrite(text[..(char.IsHighSurrogate(text[0]) ? 2 : 1)]).Length > 0;
            return rewrite(text);
        }
    }
}
