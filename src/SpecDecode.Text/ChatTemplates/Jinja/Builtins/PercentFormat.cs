using System.Globalization;
using System.Numerics;
using System.Text;
using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>The <c>%</c> of texts: <c>"%s: %5.2f" % (name, value)</c>.</summary>
internal static class PercentFormat
{
    /// <param name="run">The rendering.</param>
    /// <param name="format">The text with its places.</param>
    /// <param name="values">A tuple, a dictionary for named places, or a single value.</param>
    /// <param name="convert">Applied to each value first; markup escapes there.</param>
    public static string Apply(Run run, string format, object? values, Func<object?, object?>? convert = null)
    {
        StringBuilder result = new();
        int next = 0;
        int length = 0;
        for (int at = 0; at < format.Length; run.Meter.AllocateText(result.Length - length), length = result.Length)
        {
            int percent = format.IndexOf('%', at);
            int end = percent < 0 ? format.Length : percent;
            result.Append(format, at, end - at);
            at = end;
            if (percent < 0)
            {
                continue;
            }

            run.Meter.Work(8);
            Place place = Read(format, ref at, () => Whole(Next()));
            if (format[at - 2] == '%' && format[at - 1] == '%')
            {
                result.Append('%');
                continue;
            }

            object? value = place.Key is null ? Next()
                : values is DictValue dict ? dict.TryGet(run.Meter, place.Key, out object? named) ? named : throw TemplateError.Key(Repr.OfText(place.Key))
                : throw TemplateError.Type("format requires a mapping");
            result.Append(Convert(run, place, convert is null ? value : convert(value), at - 1));
        }

        bool unused = values is TupleValue tuple ? next < tuple.Items.Count
            : next == 0 && values is not (DictValue or ListValue or Undefined or RangeValue);
        return unused ? throw TemplateError.Type("not all arguments converted during string formatting") : result.ToString();

        object? Next()
        {
            if (values is TupleValue given)
            {
                return next < given.Items.Count ? given.Items[next++] : throw NotEnough();
            }

            return next++ == 0 ? values : throw NotEnough();
        }
    }

    private static TemplateError NotEnough() => TemplateError.Type("not enough arguments for format string");

    private static long Whole(object? value) => Number.IsInteger(value) ? Number.Index(value) : throw TemplateError.Type("* wants int");

    private static Place Read(string format, ref int at, Func<long> star)
    {
        at++;
        string? key = null;
        if (at < format.Length && format[at] == '(')
        {
            int begin = ++at;
            for (int open = 1; open > 0; at++)
            {
                if (at >= format.Length)
                {
                    throw TemplateError.Value("incomplete format key");
                }

                open += format[at] == '(' ? 1 : format[at] == ')' ? -1 : 0;
            }

            key = format[begin..(at - 1)];
        }

        string flags = "";
        while (at < format.Length && "-+ #0".Contains(format[at], StringComparison.Ordinal))
        {
            flags += flags.Contains(format[at], StringComparison.Ordinal) ? "" : format[at];
            at++;
        }

        long width = ReadNumber(format, ref at, star) ?? 0;
        if (width < 0)
        {
            flags += "-";
            width = -width;
        }

        long? precision = null;
        if (at < format.Length && format[at] == '.')
        {
            at++;
            precision = Math.Max(0, ReadNumber(format, ref at, star) ?? 0);
        }

        while (at < format.Length && format[at] is 'h' or 'l' or 'L')
        {
            at++;
        }

        if (at >= format.Length)
        {
            throw TemplateError.Value("incomplete format");
        }

        FormatSpec.CheckWidth(width);
        if (format[at] is not ('s' or 'r' or 'a'))
        {
            FormatSpec.CheckPrecision(precision ?? 0);
        }

        return new Place(key, flags, (int)width, (int?)precision, format[at++]);
    }

    private static long? ReadNumber(string format, ref int at, Func<long> star)
    {
        if (at < format.Length && format[at] == '*')
        {
            at++;
            return star();
        }

        long? number = null;
        for (; at < format.Length && char.IsAsciiDigit(format[at]); at++)
        {
            number = Math.Min(((number ?? 0) * 10) + format[at] - '0', int.MaxValue);
        }

        return number;
    }

    private static string Convert(Run run, Place place, object? value, int at)
    {
        switch (place.Type)
        {
            case 's' or 'r' or 'a':
                string text = place.Type == 's' ? Text.Of(run.Meter, value) : place.Type == 'r' ? Repr.Of(value, run.Meter) : Repr.Ascii(value, run.Meter);
                if (place.Precision is { } cut && cut < CodePoints.Length(text))
                {
                    text = CodePoints.Slice(run.Meter, text, 0, cut, 1);
                }

                return Pad(run.Meter, place, "", text, zeros: false);
            case 'c':
                return Pad(run.Meter, place, "", Character(value), zeros: false);
            case 'd' or 'i' or 'u':
                BigInteger whole = value is double real ? (BigInteger)WholeOf(real)
                    : Number.TryInteger(value, out BigInteger number) ? number
                    : throw NotNumber(place, value, "a real number");
                return Digits(run.Meter, place, whole.Sign < 0, "", Repr.OfInteger(BigInteger.Abs(whole)));
            case 'x' or 'X' or 'o':
                BigInteger bits = Number.TryInteger(value, out BigInteger integer) ? integer : throw NotNumber(place, value, "an integer");
                string digits = FormatSpec.Radix(BigInteger.Abs(bits), place.Type == 'o' ? 8 : 16);
                return Digits(
                    run.Meter, place, bits.Sign < 0, place.Has('#') ? "0" + place.Type : "", place.Type == 'X' ? digits.ToUpperInvariant() : digits);
            case 'e' or 'E' or 'f' or 'F' or 'g' or 'G':
                run.Meter.Work(place.Precision ?? 0);
                double amount = Number.Is(value) ? Number.ToDouble(value)
                    : value is Undefined undefined ? throw undefined.Error()
                    : throw TemplateError.Type($"must be real number, not {TypeName.Of(value)}");
                string shown = !double.IsFinite(amount) ? FloatText.NotFinite(Math.Abs(amount))
                    : FloatText.Format(Math.Abs(amount), place.Type, place.Precision ?? 6, place.Has('#'));
                shown = char.IsUpper(place.Type) ? shown.ToUpperInvariant() : shown;
                return Pad(run.Meter, place, Sign(place, double.IsNegative(amount) && !double.IsNaN(amount)), shown, place.Has('0'));
            default:
                throw TemplateError.Value(string.Create(CultureInfo.InvariantCulture,
                    $"unsupported format character '{place.Type}' (0x{(int)place.Type:x}) at index {at}"));
        }
    }

    private static BigInteger WholeOf(double real) => Number.TryInteger(Number.Truncate(real), out BigInteger whole) ? whole : default;

    private static TemplateError NotNumber(Place place, object? value, string wanted) => value is Undefined undefined ? undefined.Error()
        : TemplateError.Type($"%{place.Type} format: {wanted} is required, not {TypeName.Of(value)}");

    private static string Character(object? value)
    {
        if (Text.TryGet(value, out string text) && CodePoints.Length(text) == 1)
        {
            return text;
        }

        if (!Number.TryInteger(value, out BigInteger code))
        {
            throw TemplateError.Type("%c requires int or char");
        }

        return code >= 0 && code <= 0x10FFFF ? CodePoints.OfNumber((int)code) : throw TemplateError.Overflow("%c arg not in range(0x110000)");
    }

    private static string Digits(Meter meter, Place place, bool negative, string prefix, string digits)
    {
        meter.Work(digits.Length >> 2);
        if (place.Precision is { } least)
        {
            digits = digits.PadLeft(least, '0');
        }

        return Pad(meter, place, Sign(place, negative) + prefix, digits, place.Has('0'));
    }

    private static string Sign(Place place, bool negative) => negative ? "-" : place.Has('+') ? "+" : place.Has(' ') ? " " : "";

    private static string Pad(Meter meter, Place place, string sign, string text, bool zeros)
    {
        string fill = TextFunctions.Repeat(meter, zeros && !place.Has('-') ? "0" : " ", place.Width - sign.Length - CodePoints.Length(text));
        return place.Has('-') ? sign + text + fill : zeros ? sign + fill + text : fill + sign + text;
    }

    private sealed record Place(string? Key, string Flags, int Width, int? Precision, char Type)
    {
        public bool Has(char flag) => Flags.Contains(flag, StringComparison.Ordinal);
    }
}
