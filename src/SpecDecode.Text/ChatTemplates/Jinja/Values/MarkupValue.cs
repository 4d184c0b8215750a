using System.Text;
using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>A text that <c>safe</c> or <c>escape</c> made: what is joined to it with <c>+</c> is escaped for HTML.</summary>
internal sealed record MarkupValue(string Content)
{
    /// <summary>Escapes a text for HTML; what is markup already stays as it is.</summary>
    public static string Escape(Meter meter, object? value)
    {
        if (value is MarkupValue markup)
        {
            return markup.Content;
        }

        string text = Text.Of(meter, value);
        meter.Scan(text.Length);
        if (text.AsSpan().IndexOfAny("&<>'\"") < 0)
        {
            return text;
        }

        StringBuilder result = new(text.Length + 16);
        foreach (char character in text)
        {
            _ = character switch
            {
                '&' => result.Append("&amp;"),
                '<' => result.Append("&lt;"),
                '>' => result.Append("&gt;"),
                '\'' => result.Append("&#39;"),
                '"' => result.Append("&#34;"),
                _ => result.Append(character),
            };
        }

        meter.AllocateText(result.Length);
        return result.ToString();
    }
}
