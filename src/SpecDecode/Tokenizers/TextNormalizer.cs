using System.Text;

namespace SpecDecode.Tokenizers;

/// <summary>Rewrites text before it is cut into words.</summary>
internal abstract class TextNormalizer
{
    /// <summary>The rewritten text.</summary>
    public abstract string Apply(string text);

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
                var parts = part.Get("normalizers").Items().Select(item => Read(item)!).ToArray();
                return new Rewrite(text => parts.Aggregate(text, (value, next) => next.Apply(value)));
            case "Prepend":
                var prefix = part.Get("prepend").Text();
                return new Rewrite(text => text.Length > 0 ? prefix + text : text);
            case "Replace":
                return ReadReplace(part);
            case "NFC":
                return new Rewrite(text => UnicodeNormalizer.Normalize(text, compatible: false, compose: true));
            case "NFD":
                return new Rewrite(text => UnicodeNormalizer.Normalize(text, compatible: false, compose: false));
            case "NFKC":
                return new Rewrite(text => UnicodeNormalizer.Normalize(text, compatible: true, compose: true));
            case "NFKD":
                return new Rewrite(text => UnicodeNormalizer.Normalize(text, compatible: true, compose: false));
            case "Lowercase":
                // U+0130 is the one character whose full lower case has two characters.
                return new Rewrite(text => text.Replace("\u0130", "i\u0307", StringComparison.Ordinal).ToLowerInvariant());
            case "Strip":
                bool left = part.Get("strip_left").Flag();
                bool right = part.Get("strip_right").Flag();
                return new Rewrite(text => Strip(text, left, right));
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
                ? new Rewrite(text => text.Replace(old, content, StringComparison.Ordinal))
                : throw literal.Error("is empty");
        }
        if (content.Contains('$'))
            throw node.Get("content").Unsupported("has a '$', and replacement by groups is not supported");
        var regex = PreTokenizer.Pattern(pattern);
        return new Rewrite(text => Replace(text, regex, content));
    }

    /// <summary>Replaces every match by a literal text.</summary>
    internal static string Replace(string text, CodePointRegex regex, string content)
    {
        var matches = new List<(int Start, int End)>();
        regex.FindAll(text, matches);
        var output = new StringBuilder(text.Length);
        int done = 0;
        foreach (var (start, end) in matches)
        {
            output.Append(text, done, start - done).Append(content);
            done = end;
        }
        return output.Append(text, done, text.Length - done).ToString();
    }

    private sealed class Rewrite(Func<string, string> rewrite) : TextNormalizer
    {
        public override string Apply(string text) => rewrite(text);
    }
}
