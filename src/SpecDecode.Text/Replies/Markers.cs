namespace SpecDecode.Replies;

/// <summary>Texts that mean something in a reply, looked for in text that comes in pieces.</summary>
/// <param name="texts">The texts, none of which begins another.</param>
internal sealed class Markers(params string[] texts)
{
    private readonly string _first = string.Concat(texts.Select(text => text[0]).Distinct());

    /// <summary>None.</summary>
    public static Markers None { get; } = new();

    /// <summary>The first place of a marker, or of what may become one with what comes yet.</summary>
    /// <param name="text">The text.</param>
    /// <param name="marker">The marker, whole; null where it may become one.</param>
    /// <returns>The index; the text's length where there is neither.</returns>
    public int Find(ReadOnlySpan<char> text, out string? marker)
    {
        marker = null;
        for (int at = 0; at < text.Length; at++)
        {
            int next = text[at..].IndexOfAny(_first);
            if (next < 0)
            {
                return text.Length;
            }

            at += next;
            if (BeginsWith(text[at..], out marker) || MayBegin(text[at..]))
            {
                return at;
            }
        }

        return text.Length;
    }

    /// <summary>Whether a text begins with a marker.</summary>
    public bool BeginsWith(ReadOnlySpan<char> text, out string? marker)
    {
        foreach (string one in texts)
        {
            if (text.StartsWith(one, StringComparison.Ordinal))
            {
                marker = one;
                return true;
            }
        }

        marker = null;
        return false;
    }

    /// <summary>Whether a text, which is not empty, is the beginning of a marker.</summary>
    public bool MayBegin(ReadOnlySpan<char> text)
    {
        foreach (string one in texts)
        {
            if (text.Length < one.Length && one.AsSpan().StartsWith(text, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }
}
