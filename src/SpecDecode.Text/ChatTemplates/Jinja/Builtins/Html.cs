using System.Net;
using System.Text;
using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>What little of HTML the filters know.</summary>
internal static class Html
{
    /// <summary>Without comments and tags, white space made single, entities resolved.</summary>
    public static string StripTags(Meter meter, string text)
    {
        meter.Work(text.Length >> 2);
        string rest = Without(Without(text, "<!--", "-->"), "<", ">");
        return Unescape(meter, string.Join(' ', rest.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)));
    }

    public static string Unescape(Meter meter, string text)
    {
        meter.AllocateText(text.Length);
        return WebUtility.HtmlDecode(text);
    }

    private static string Without(string text, string open, string close)
    {
        StringBuilder result = new();
        int at = 0;
        while (text.IndexOf(open, at, StringComparison.Ordinal) is var begin and >= 0
            && text.IndexOf(close, begin + (close == ">" ? 1 : open.Length), StringComparison.Ordinal) is var end and >= 0)
        {
            result.Append(text, at, begin - at);
            at = end + close.Length;
        }

        return result.Append(text, at, text.Length - at).ToString();
    }
}
