using System.Globalization;
using System.Numerics;
using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>Python's format specifications: <c>[[fill]align][sign][z][#][0][width][grouping][.precision][type]</c>.</summary>
internal sealed class FormatSpec
{
    private string _fill = " ";
    private char _align;
    private char _sign = '-';
    private bool _alternate;
    private int _width;
    private char _grouping;
    private int? _precision;
    private char _type;

    /// <summary>Writes a value as a specification says.</summary>
    public static string Apply(Run run, object? value, string specification)
    {
        if (specification.Length == 0)
        {
            return Text.Of(run.Meter, value);
        }

        FormatSpec spec = Parse(specification, value);
        return value switch
        {
            Undefined => throw TemplateError.Type("unsupported format string passed to Undefined.__format__"),
            _ when Text.TryGet(value, out string text) => spec.OfText(run.Meter, text, value),
            double => spec.OfReal(run.Meter, value),
            _ when Number.IsInteger(value) => "eEfFgG%".Contains(spec._type, StringComparison.Ordinal) && spec._type != '\0'
                ? spec.OfReal(run.Meter, value)
                : spec.OfInteger(run.Meter, value),
            _ => throw TemplateError.Type($"unsupported format string passed to {TypeName.Of(value)}.__format__"),
        };
    }

    /// <summary>The digits of a number that is not negative.</summary>
    public static string Radix(BigInteger value, int radix)
    {
        if (value.IsZero)
        {
            return "0";
        }

        if (radix == 16)
        {
            return value.ToString("x", CultureInfo.InvariantCulture).TrimStart('0');
        }

        string bits = value.ToString("b", CultureInfo.InvariantCulture).TrimStart('0');
        if (radix == 2)
        {
            return bits;
        }

        bits = bits.PadLeft((bits.Length + 2) / 3 * 3, '0');
        return string.Concat(bits.Chunk(3).Select(three => (char)('0' + ((three[0] - '0') * 4) + ((three[1] - '0') * 2) + three[2] - '0')));
    }

    /// <exception cref="TemplateError">It is more than the sandbox allows.</exception>
    public static void CheckWidth(long width)
    {
        if (width > RenderLimits.FormatWidth)
        {
            throw TemplateError.Limit($"a format is wider than {RenderLimits.FormatWidth} characters.");
        }
    }

    /// <inheritdoc cref="CheckWidth"/>
    public static void CheckPrecision(long precision)
    {
        if (precision > RenderLimits.FormatPrecision)
        {
            throw TemplateError.Limit($"a format has more than {RenderLimits.FormatPrecision} digits of precision.");
        }
    }

    private static FormatSpec Parse(string text, object? value)
    {
        FormatSpec spec = new();
        string[] points = [.. CodePoints.Each(text)];
        int at = 0;
        if (points.Length > 1 && points[1] is "<" or ">" or "=" or "^")
        {
            (spec._fill, spec._align, at) = (points[0], points[1][0], 2);
        }
        else if (points[0] is "<" or ">" or "=" or "^")
        {
            (spec._align, at) = (points[0][0], 1);
        }

        if (Next() is '+' or '-' or ' ')
        {
            spec._sign = points[at++][0];
        }

        if (Next() == '#')
        {
            spec._alternate = true;
            at++;
        }

        if (Next() == '0')
        {
            spec._fill = spec._align == '\0' ? "0" : spec._fill;
            spec._align = spec._align == '\0' && !Text.Is(value) ? '=' : spec._align;
            at++;
        }

        spec._width = ReadNumber() ?? 0;
        if (Next() is ',' or '_')
        {
            spec._grouping = points[at++][0];
        }

        if (Next() == '.')
        {
            at++;
            spec._precision = ReadNumber() ?? throw TemplateError.Value("Format specifier missing precision");
            CheckPrecision(Text.Is(value) ? 0 : spec._precision.Value);
        }

        if (at < points.Length && points[at].Length == 1)
        {
            spec._type = points[at++][0];
        }

        return at == points.Length ? spec : throw TemplateError.Value("Invalid format specifier");

        char Next() => at < points.Length ? points[at][0] : '\0';

        int? ReadNumber()
        {
            long? number = null;
            for (; char.IsAsciiDigit(Next()); at++)
            {
                number = Math.Min(((number ?? 0) * 10) + points[at][0] - '0', int.MaxValue);
            }

            CheckWidth(number ?? 0);
            return (int?)number;
        }
    }

    private string OfText(Meter meter, string text, object? value)
    {
        if (_type is not ('s' or '\0'))
        {
            throw UnknownType(value);
        }

        if (_align == '=' || _sign != '-')
        {
            throw TemplateError.Value(_align == '=' ? "'=' alignment not allowed in string format specifier" : "Sign not allowed in string format specifier");
        }

        if (_grouping != '\0')
        {
            throw TemplateError.Value($"Cannot specify '{_grouping}' with 's'.");
        }

        if (_precision is { } cut && cut < CodePoints.Length(text))
        {
            text = CodePoints.Slice(meter, text, 0, cut, 1);
        }

        return Align(meter, "", text, '<');
    }

    private string OfInteger(Meter meter, object? value)
    {
        Number.TryInteger(value, out BigInteger number);
        if (_type == 'c')
        {
            return number >= 0 && number <= 0x10FFFF ? Align(meter, "", CodePoints.OfNumber((int)number), '>')
                : throw TemplateError.Overflow("%c arg not in range(0x110000)");
        }

        if (_precision is not null)
        {
            throw TemplateError.Value("Precision not allowed in integer format specifier");
        }

        BigInteger size = BigInteger.Abs(number);
        (string digits, string prefix) = _type switch
        {
            '\0' or 'd' or 'n' => (Repr.OfInteger(size), ""),
            'x' => (Radix(size, 16), "0x"),
            'X' => (Radix(size, 16).ToUpperInvariant(), "0X"),
            'o' => (Radix(size, 8), "0o"),
            'b' => (Radix(size, 2), "0b"),
            _ => throw UnknownType(value),
        };
        string sign = Sign(number.Sign < 0) + (_alternate ? prefix : "");
        meter.Work(digits.Length + (_grouping == '\0' ? 0 : _width));
        return Align(meter, sign, Group(digits, sign.Length, _type is 'x' or 'X' or 'o' or 'b' ? 4 : 3), '>');
    }

    private string OfReal(Meter meter, object? value)
    {
        meter.Work((_precision ?? 0) + (_grouping == '\0' ? 0 : _width));
        double number = Number.ToDouble(value);
        double size = Math.Abs(number);
        char type = _type switch { '\0' or 'n' => 'g', _ => _type };
        if (!"eEfFgG%".Contains(type, StringComparison.Ordinal))
        {
            throw UnknownType(value);
        }

        string shown = !double.IsFinite(number) ? FloatText.NotFinite(size)
            : _type == '\0' && _precision is null ? FloatText.Repr(size)
            : type == '%' ? FloatText.Format(size * 100, 'f', _precision ?? 6, _alternate)
            : _type == '\0' ? WithPoint(FloatText.Format(size, 'g', _precision ?? 6, _alternate), size, _precision ?? 6)
            : FloatText.Format(size, type, _precision ?? 6, _alternate);
        shown = char.IsUpper(type) ? shown.ToUpperInvariant() : shown;
        string sign = Sign(double.IsNegative(number) && !double.IsNaN(number));
        return Align(meter, sign, Group(shown, sign.Length, 3) + (type == '%' ? "%" : ""), '>');
    }

    // Without a type, a number that looks whole gets a point, and the exponent comes one digit earlier.
    private static string WithPoint(string shown, double size, int precision)
    {
        if (shown.AsSpan().IndexOfAny(".e") >= 0)
        {
            return shown;
        }

        if (shown.Length < Math.Max(1, precision))
        {
            return shown + ".0";
        }

        string scientific = FloatText.Format(size, 'e', Math.Max(0, precision - 1), alternate: false);
        int e = scientific.IndexOf('e', StringComparison.Ordinal);
        string mantissa = scientific[..e].Contains('.', StringComparison.Ordinal) ? scientific[..e].TrimEnd('0').TrimEnd('.') : scientific[..e];
        return mantissa + scientific[e..];
    }

    private string Sign(bool negative) => negative ? "-" : _sign == '-' ? "" : _sign.ToString();

    private string Group(string shown, int signLength, int every)
    {
        if (_grouping == '\0')
        {
            return shown;
        }

        int whole = shown.Length;
        for (int i = 0; i < whole; i++)
        {
            whole = every == 3 ? char.IsAsciiDigit(shown[i]) ? whole : i : char.IsAsciiHexDigit(shown[i]) ? whole : i;
        }

        string digits = shown[..whole];
        string rest = shown[whole..];

        // From the last digit on. Zeros that fill the width are grouped too.
        List<char> grouped = [];
        bool zeros = _fill == "0" && _align == '=';
        for (int i = 0; i < digits.Length || (zeros && grouped.Count + rest.Length + signLength < _width); i++)
        {
            if (i > 0 && i % every == 0)
            {
                grouped.Add(_grouping);
            }

            grouped.Add(i < digits.Length ? digits[^(i + 1)] : '0');
        }

        grouped.Reverse();
        return string.Concat(grouped.ToArray().AsSpan(), rest);
    }

    private string Align(Meter meter, string sign, string text, char usual)
    {
        long missing = _width - sign.Length - CodePoints.Length(text);
        char align = _align == '\0' ? usual : _align;
        long left = align == '^' ? Math.Max(0, missing) / 2 : missing;
        return align switch
        {
            '<' => sign + text + TextFunctions.Repeat(meter, _fill, missing),
            '=' => sign + TextFunctions.Repeat(meter, _fill, missing) + text,
            '^' => TextFunctions.Repeat(meter, _fill, left) + sign + text + TextFunctions.Repeat(meter, _fill, missing - left),
            _ => TextFunctions.Repeat(meter, _fill, missing) + sign + text,
        };
    }

    private TemplateError UnknownType(object? value) => TemplateError.Value(string.Create(CultureInfo.InvariantCulture,
        $"Unknown format code '{_type}' for object of type '{TypeName.Of(value)}'"));
}
