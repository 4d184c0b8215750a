using System.Globalization;
using System.Text;
using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Syntax;

/// <summary>The escapes in a text literal, which are Python's.</summary>
internal static class TextLiteral
{
    /// <param name="written">What stands between the quotes.</param>
    /// <param name="at">Where the literal begins, for errors.</param>
    public static string Read(string written, Position at)
    {
        if (!written.Contains('\\', StringComparison.Ordinal))
        {
            return written;
        }

        StringBuilder text = new(written.Length);
        for (int i = 0; i < written.Length; i++)
        {
            char character = written[i];
            if (character != '\\' || i + 1 == written.Length)
            {
                text.Append(character);
                continue;
            }

            char type = written[++i];
            switch (type)
            {
                case '\n':
                    break;
                case '\\' or '\'' or '"':
                    text.Append(type);
                    break;
                case 'a':
                    text.Append('\a');
                    break;
                case 'b':
                    text.Append('\b');
                    break;
                case 'f':
                    text.Append('\f');
                    break;
                case 'n':
                    text.Append('\n');
                    break;
                case 'r':
                    text.Append('\r');
                    break;
                case 't':
                    text.Append('\t');
                    break;
                case 'v':
                    text.Append('\v');
                    break;
                case 'x':
                    AppendHex(text, written, ref i, 2, at);
                    break;
                case 'u':
                    AppendHex(text, written, ref i, 4, at);
                    break;
                case 'U':
                    AppendHex(text, written, ref i, 8, at);
                    break;
                case 'N':
                    throw TemplateError.Syntax("characters by name (\\N{…}) are not supported; write the character itself.", at);
                case >= '0' and <= '7':
                    int octal = 0;
                    int end = Math.Min(i + 3, written.Length);
                    for (; i < end && written[i] is >= '0' and <= '7'; i++)
                    {
                        octal = (octal * 8) + written[i] - '0';
                    }

                    i--;
                    text.Append((char)octal);
                    break;
                case > '\x7F':
                    // Jinja2 escapes it before it reads escapes, and the backslash in front takes the new one's away.
                    text.Append('\\');
                    AppendEscape(text, written, ref i);
                    break;
                default:
                    text.Append('\\').Append(type);
                    break;
            }
        }

        return text.ToString();
    }

    private static void AppendHex(StringBuilder text, string written, ref int i, int digits, Position at)
    {
        int begin = i + 1;
        char type = written[i];
        if (begin + digits > written.Length
            || !int.TryParse(written.AsSpan(begin, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code))
        {
            throw TemplateError.Syntax($"truncated \\{type}{new string('X', digits)} escape", at);
        }

        if (code is < 0 or > 0x10FFFF)
        {
            throw TemplateError.Syntax("illegal Unicode character", at);
        }

        text.Append(Values.CodePoints.OfNumber(code));
        i += digits;
    }

    private static void AppendEscape(StringBuilder text, string written, ref int i)
    {
        if (char.IsHighSurrogate(written[i]) && i + 1 < written.Length && char.IsLowSurrogate(written[i + 1]))
        {
            text.Append(CultureInfo.InvariantCulture, $"U{char.ConvertToUtf32(written[i], written[i + 1]):x8}");
            i++;
            return;
        }

        int code = written[i];
        text.Append(code < 0x100 ? $"x{code:x2}" : $"u{code:x4}");
    }
}
