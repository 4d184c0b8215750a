using System.Globalization;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>Floating-point numbers as Python writes them.</summary>
internal static class FloatText
{
    /// <summary>The shortest text that reads back as the same number, with a point or an exponent in it.</summary>
    public static string Repr(double value)
    {
        if (!double.IsFinite(value))
        {
            return NotFinite(value);
        }

        // "E16" would give all digits; "R" the shortest, in one of two notations.
        string shortest = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture);
        int e = shortest.IndexOf('E', StringComparison.Ordinal);
        int exponent = e < 0 ? 0 : int.Parse(shortest.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        string mantissa = e < 0 ? shortest : shortest[..e];
        int point = mantissa.IndexOf('.', StringComparison.Ordinal);
        string digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        int pointAt = (point < 0 ? mantissa.Length : point) + exponent;
        string significant = digits.TrimStart('0');
        pointAt -= digits.Length - significant.Length;
        significant = significant.TrimEnd('0');
        string sign = double.IsNegative(value) ? "-" : "";
        if (significant.Length == 0)
        {
            return sign + "0.0";
        }

        if (pointAt is <= -4 or > 16)
        {
            return sign + Scientific(significant, pointAt - 1, 'e');
        }

        if (pointAt <= 0)
        {
            return $"{sign}0.{new string('0', -pointAt)}{significant}";
        }

        return significant.Length <= pointAt
            ? $"{sign}{significant.PadRight(pointAt, '0')}.0"
            : $"{sign}{significant[..pointAt]}.{significant[pointAt..]}";
    }

    /// <summary><c>inf</c>, <c>-inf</c> or <c>nan</c>.</summary>
    public static string NotFinite(double value) => double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";

    /// <summary>A finite, non-negative number as the presentation types e, f, g and n of a format say.</summary>
    /// <param name="value">The number.</param>
    /// <param name="type">e, E, f, F, g or G.</param>
    /// <param name="precision">Decimals, or significant digits for g.</param>
    /// <param name="alternate">Keep the point and g's trailing zeros.</param>
    public static string Format(double value, char type, int precision, bool alternate)
    {
        char exponentMark = char.IsUpper(type) ? 'E' : 'e';
        switch (char.ToLowerInvariant(type))
        {
            case 'f':
                return DecimalText.Fixed(value, precision) + (alternate && precision == 0 ? "." : "");
            case 'e':
                (string digits, int exponent) = DecimalText.Significant(value, precision + 1);
                return Scientific(digits, exponent, exponentMark, alternate);
            default:
                int count = Math.Max(1, precision);
                (string significant, int power) = DecimalText.Significant(value, count);
                if (power >= -4 && power < count)
                {
                    string plain = DecimalText.Fixed(value, count - 1 - power);
                    return alternate ? plain.Contains('.', StringComparison.Ordinal) ? plain : plain + "."
                        : plain.Contains('.', StringComparison.Ordinal) ? plain.TrimEnd('0').TrimEnd('.')
                        : plain;
                }

                return Scientific(alternate ? significant : significant.TrimEnd('0').PadRight(1, '0'), power, exponentMark, alternate);
        }
    }

    private static string Scientific(string digits, int exponent, char mark, bool alternate = false)
    {
        string point = digits.Length > 1 || alternate ? "." : "";
        string sign = exponent < 0 ? "-" : "+";
        return string.Create(CultureInfo.InvariantCulture, $"{digits[0]}{point}{digits[1..]}{mark}{sign}{Math.Abs(exponent):00}");
    }
}
