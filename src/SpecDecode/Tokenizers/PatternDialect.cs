using System.Text;

namespace SpecDecode.Tokenizers;

/// <summary>
/// Translates the part of Oniguruma's regular expressions that tokenizer files use into .NET's: the wider <c>\w</c> and
/// possessive quantifiers are rewritten; what .NET would read in another sense is refused.
/// </summary>
internal static class PatternDialect
{
    // Oniguruma's word characters: alphabetic, marks, decimal digits and connectors.
    private const string Word = @"\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}";

    private const string OtherEscapes = "hHRXKONyYgG";

    private enum Last
    {
        Atom,
        Open,
        Quantifier,
    }

    /// <summary>Translates a pattern.</summary>
    /// <param name="pattern">The pattern in Oniguruma's dialect.</param>
    /// <param name="translated">The pattern in .NET's dialect.</param>
    /// <param name="reason">What cannot be translated, as the object of "uses".</param>
    public static bool TryTranslate(string pattern, out string translated, out string reason)
    {
        var output = new StringBuilder(pattern.Length + 32);
        var groups = new Stack<int>();
        int atom = 0; // where the last atom begins in the output
        var last = Last.Open;
        (translated, reason) = ("", "");

        for (int i = 0; i < pattern.Length; i++)
        {
            char c = pattern[i];
            if (c == '+' && last == Last.Quantifier)
            {
                output.Insert(atom, "(?>").Append(')');
                last = Last.Atom;
                continue;
            }
            if (c is '?' or '*' or '+' && last == Last.Atom)
            {
                output.Append(c);
                last = Last.Quantifier;
                continue;
            }
            if (c == ')')
            {
                output.Append(c);
                atom = groups.Count > 0 ? groups.Pop() : 0;
                last = Last.Atom;
                continue;
            }

            atom = output.Length;
            last = Last.Atom;
            if (c == '\\' && !TryTranslateEscape(pattern, ref i, false, output, out reason))
                return false;
            if (c == '[' && !TryTranslateClass(pattern, ref i, output, out reason))
                return false;
            if (c is '\\' or '[')
                continue;
            if (char.IsSurrogate(c))
            {
                reason = "characters beyond U+FFFF";
                return false;
            }
            if (c == '(')
                groups.Push(output.Length);
            if (c is '(' or '|')
                last = Last.Open;
            output.Append(c);
        }
        translated = output.ToString();
        return true;
    }

    // On entry i is at the [, on success at its ].
    private static bool TryTranslateClass(string pattern, ref int i, StringBuilder output, out string reason)
    {
        int first = i + (i + 1 < pattern.Length && pattern[i + 1] == '^' ? 2 : 1);
        output.Append(pattern, i, first - i);
        reason = "";
        for (i = first; i < pattern.Length; i++)
        {
            char c = pattern[i];
            if (c == '\\')
            {
                if (!TryTranslateEscape(pattern, ref i, true, output, out reason))
                    return false;
                continue;
            }
            if (c == '[' || char.IsSurrogate(c) || (c == '&' && i + 1 < pattern.Length && pattern[i + 1] == '&'))
            {
                reason = char.IsSurrogate(c) ? "characters beyond U+FFFF" : "nested character classes";
                return false;
            }
            output.Append(c);
            if (c == ']' && i > first)
                return true;
        }
        return true;
    }

    // On entry i is at the backslash, on success at the last character of the escape.
    private static bool TryTranslateEscape(string pattern, ref int i, bool inClass, StringBuilder output, out string reason)
    {
        reason = "";
        if (++i == pattern.Length)
        {
            output.Append('\\');
            return true;
        }
        char escape = pattern[i];
        bool braced = i + 1 < pattern.Length && pattern[i + 1] == '{';
        bool negated = braced && i + 2 < pattern.Length && pattern[i + 2] == '^';
        if (OtherEscapes.Contains(escape) || (inClass && escape == 'W') || (escape == 'x' && braced) || negated || char.IsSurrogate(escape))
        {
            reason = $"'\\{escape}' in a way that is not supported";
            return false;
        }
        output.Append(escape switch
        {
            'w' => inClass ? Word : $"[{Word}]",
            'W' => $"[^{Word}]",
            _ => $"\\{escape}",
        });
        int close = escape is 'p' or 'P' && braced ? pattern.IndexOf('}', i) : -1;
        if (close > 0)
        {
            output.Append(pattern, i + 1, close - i);
            i = close;
        }
        return true;
    }
}
