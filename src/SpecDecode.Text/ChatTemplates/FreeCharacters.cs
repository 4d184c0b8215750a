using System.Collections;
using SpecDecode.Tokenizers;

namespace SpecDecode.ChatTemplates;

/// <summary>
/// Looks for characters that a conversation and its template do not use, to mark places with. They are syllables of the Yi script and
/// Chinese characters: letters without case that templates print as they are and normalizers leave alone.
/// </summary>
internal sealed class FreeCharacters : TemplateTexts
{
    private const char First = '\u4E00';
    private const char Last = '\uA48C';

    private readonly BitArray _used = new(Last - First + 1);

    /// <inheritdoc/>
    public override string Token(string text) => Use(text);

    /// <inheritdoc/>
    public override string Content(string text, bool isAssistant) => Use(text);

    /// <summary>Notes what a text uses.</summary>
    public string Use(string text)
    {
        int at = text.AsSpan().IndexOfAnyInRange(First, Last);
        for (; at >= 0 && at < text.Length; at++)
        {
            if (text[at] is >= First and <= Last)
            {
                _used[text[at] - First] = true;
            }
        }

        return text;
    }

    /// <summary>Two that are free, always the same where nothing is in the way.</summary>
    /// <exception cref="SpecDecodeException">All are used.</exception>
    public TextMarks Take()
    {
        Span<char> free = stackalloc char[2];
        int count = 0;
        for (int i = _used.Count - 1; i >= 0 && count < free.Length; i--)
        {
            if (!_used[i])
            {
                free[count++] = (char)(First + i);
            }
        }

        return count == free.Length
            ? new TextMarks(free[0], free[1])
            : throw new SpecDecodeException($"The conversation has all characters from U+{(int)First:X4} to U+{(int)Last:X4} in it: leave two of them out.");
    }
}
