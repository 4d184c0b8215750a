using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>Values as texts.</summary>
internal static class Text
{
    /// <summary>The text of a value that is one, markup included.</summary>
    public static bool TryGet(object? value, out string text)
    {
        switch (value)
        {
            case string plain:
                text = plain;
                return true;
            case MarkupValue markup:
                text = markup.Content;
                return true;
            default:
                text = "";
                return false;
        }
    }

    public static bool Is(object? value) => value is string or MarkupValue;

    /// <summary>Python's <c>str()</c>.</summary>
    public static string Of(Meter meter, object? value) => value switch
    {
        string text => text,
        MarkupValue markup => markup.Content,
        Undefined => "",
        _ => Repr.Of(value, meter),
    };

    /// <summary>What a block hands to the output, which has to be a text there; a macro's result always is one.</summary>
    /// <exception cref="TemplateError">It is something else.</exception>
    public static string OfBlock(object? value) => TryGet(value, out string text) ? text
        : throw TemplateError.Type($"sequence item: expected str instance, {TypeName.Of(value)} found");

    /// <summary>A text that is markup if the one that it was made from is.</summary>
    public static object Like(object? origin, string text) => origin is MarkupValue ? new MarkupValue(text) : text;

    /// <summary>What Python's <c>isspace</c> and <c>\s</c> say.</summary>
    public static bool IsSpace(char character) => char.IsWhiteSpace(character) || character is >= '\u001C' and <= '\u001F';

    /// <summary>Without white space at its end.</summary>
    public static ReadOnlySpan<char> TrimEnd(ReadOnlySpan<char> text)
    {
        int end = text.Length;
        while (end > 0 && IsSpace(text[end - 1]))
        {
            end--;
        }

        return text[..end];
    }
}
