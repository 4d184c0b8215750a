using System.Globalization;
using System.Numerics;
using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>Values as numbers. Whole numbers are <see cref="long"/> where they fit and <see cref="BigInteger"/> where not.</summary>
internal static class Number
{
    private const int MaxDigits = 4300;

    public static bool Is(object? value) => value is long or double or bool or BigInteger;

    public static bool IsInteger(object? value) => value is long or bool or BigInteger;

    /// <summary>A whole number in its smallest form.</summary>
    /// <exception cref="TemplateError">It is larger than the sandbox allows.</exception>
    public static object Of(BigInteger value)
    {
        if (value >= long.MinValue && value <= long.MaxValue)
        {
            return (long)value;
        }

        CheckBits(value.GetBitLength());
        return value;
    }

    public static void CheckBits(long bits)
    {
        if (bits > RenderLimits.IntegerBits)
        {
            throw TemplateError.Limit($"a whole number has more than {RenderLimits.IntegerBits} bits.");
        }
    }

    public static bool TryInteger(object? value, out BigInteger number)
    {
        switch (value)
        {
            case long small:
                number = small;
                return true;
            case bool truth:
                number = truth ? 1 : 0;
                return true;
            case BigInteger big:
                number = big;
                return true;
            default:
                number = default;
                return false;
        }
    }

    /// <summary>A whole number used as an index or a count; one beyond 64 bits is cut to the nearest.</summary>
    /// <exception cref="TemplateError">It is no whole number.</exception>
    public static long Index(object? value)
    {
        if (value is Undefined undefined)
        {
            throw undefined.Error();
        }

        return TryInteger(value, out BigInteger number) ? (long)BigInteger.Clamp(number, long.MinValue, long.MaxValue)
            : throw TemplateError.Type($"'{TypeName.Of(value)}' object cannot be interpreted as an integer");
    }

    public static double ToDouble(object? value)
    {
        switch (value)
        {
            case long small:
                return small;
            case double real:
                return real;
            case bool truth:
                return truth ? 1 : 0;
            default:
                double big = (double)(BigInteger)value!;
                return double.IsFinite(big) ? big : throw TemplateError.Overflow("int too large to convert to float");
        }
    }

    /// <summary>Cuts the fraction off.</summary>
    public static object Truncate(double value)
    {
        if (double.IsNaN(value))
        {
            throw TemplateError.Value("cannot convert float NaN to integer");
        }

        return double.IsInfinity(value) ? throw TemplateError.Overflow("cannot convert float infinity to integer") : Of(new BigInteger(value));
    }

    /// <summary>Python's <c>int(text, base)</c>.</summary>
    public static bool TryParseInteger(string text, int radix, out object number)
    {
        number = 0L;
        ReadOnlySpan<char> rest = Trim(text);
        bool negative = rest.StartsWith("-");
        if (negative || rest.StartsWith("+"))
        {
            rest = rest[1..];
        }

        bool prefixed = false;
        if (rest.Length > 1 && rest[0] == '0' && "bBoOxX".Contains(rest[1], StringComparison.Ordinal))
        {
            int marked = char.ToLowerInvariant(rest[1]) switch { 'b' => 2, 'o' => 8, _ => 16 };
            if (radix == marked || radix == 0)
            {
                rest = rest[2..];
                (radix, prefixed) = (marked, true);
            }
        }

        bool leadingZeroRefused = radix == 0;
        radix = radix == 0 ? 10 : radix;
        if (rest.Length > MaxDigits)
        {
            return false;
        }

        BigInteger value = BigInteger.Zero;
        bool digitBefore = prefixed;
        int digits = 0;
        foreach (char character in rest)
        {
            if (character == '_' && digitBefore)
            {
                digitBefore = false;
                continue;
            }

            int digit = char.IsAsciiLetter(character) ? char.ToLowerInvariant(character) - 'a' + 10 : CharUnicodeInfo.GetDecimalDigitValue(character);
            if (digit < 0 || digit >= radix)
            {
                return false;
            }

            value = (value * radix) + digit;
            digits++;
            digitBefore = true;
        }

        if (digits == 0 || !digitBefore || (leadingZeroRefused && !prefixed && rest[0] == '0' && !value.IsZero))
        {
            return false;
        }

        number = Of(negative ? -value : value);
        return true;
    }

    /// <summary>Python's <c>float(text)</c>.</summary>
    public static bool TryParseFloat(string text, out double number)
    {
        ReadOnlySpan<char> trimmed = Trim(text);
        ReadOnlySpan<char> unsigned = trimmed.Length > 0 && trimmed[0] is '+' or '-' ? trimmed[1..] : trimmed;
        double sign = trimmed.StartsWith("-") ? -1 : 1;
        if (unsigned.Equals("inf", StringComparison.OrdinalIgnoreCase) || unsigned.Equals("infinity", StringComparison.OrdinalIgnoreCase))
        {
            number = sign * double.PositiveInfinity;
            return true;
        }

        if (unsigned.Equals("nan", StringComparison.OrdinalIgnoreCase))
        {
            number = double.NaN;
            return true;
        }

        number = 0;
        for (int i = 0; i < unsigned.Length; i++)
        {
            bool between = i > 0 && i + 1 < unsigned.Length && char.IsAsciiDigit(unsigned[i - 1]) && char.IsAsciiDigit(unsigned[i + 1]);
            if (!char.IsAsciiDigit(unsigned[i]) && unsigned[i] is not ('.' or 'e' or 'E' or '+' or '-') && !(unsigned[i] == '_' && between))
            {
                return false;
            }
        }

        return double.TryParse(trimmed.ToString().Replace("_", "", StringComparison.Ordinal), NumberStyles.Float, CultureInfo.InvariantCulture, out number);
    }

    private static ReadOnlySpan<char> Trim(string text)
    {
        ReadOnlySpan<char> rest = Text.TrimEnd(text);
        while (rest.Length > 0 && Text.IsSpace(rest[0]))
        {
            rest = rest[1..];
        }

        return rest;
    }
}
