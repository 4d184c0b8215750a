using System.Text;

namespace SpecDecode.Tokenizers;

/// <summary>Replacing in texts, with a limit on the length of the result: a file can ask for growth without bounds.</summary>
internal static class TextRewriting
{
    /// <summary>The most UTF-16 units that a rewritten text may have.</summary>
    public const int MaxLength = 1 << 26;

    /// <summary>Replaces every occurrence of a text.</summary>
    /// <exception cref="SpecDecodeException">The result would be too long.</exception>
    public static string Replace(string text, string old, string content)
    {
        if (content.Length > old.Length)
            Check(text.Length + (long)text.AsSpan().Count(old) * (content.Length - old.Length));
        return text.Replace(old, content, StringComparison.Ordinal);
    }

    /// <summary>Replaces every match of a pattern by a literal text. In a text of nothing there is none.</summary>
    /// <exception cref="SpecDecodeException">The result would be too long.</exception>
    public static string Replace(string text, TextPattern pattern, string content)
    {
        if (text.Length == 0)
            return text;
        var matches = new List<(int Start, int End)>();
        pattern.CreateMatcher().FindAll(text, matches);
        Check(text.Length + (long)matches.Count * content.Length);
        var output = new StringBuilder(text.Length);
        int done = 0;
        foreach (var (start, end) in matches)
        {
            output.Append(text, done, start - done).Append(content);
            done = end;
        }
        return output.Append(text, done, text.Length - done).ToString();
    }

    /// <summary>Refuses a length beyond the limit.</summary>
    /// <exception cref="SpecDecodeException">It is.</exception>
    public static void Check(long length)
    {
        if (length > MaxLength)
        {
            throw new SpecDecodeException(
                $"The tokenizer turns this text into one of more than {MaxLength} characters. Encode the text in smaller parts.");
        }
    }
}
