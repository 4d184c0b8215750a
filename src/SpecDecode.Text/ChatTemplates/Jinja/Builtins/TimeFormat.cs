using System.Globalization;
using System.Text;
using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>A time as <c>strftime</c> of the C library writes it, in English.</summary>
internal static class TimeFormat
{
    public static string Apply(Meter meter, DateTimeOffset time, string format)
    {
        StringBuilder result = new();
        meter.AllocateText(format.Length);
        for (int at = 0; at < format.Length; at++)
        {
            if (format[at] != '%' || at + 1 == format.Length)
            {
                result.Append(format[at]);
                continue;
            }

            int begin = at++;
            char flag = '\0';
            if (format[at] is '-' or '_' or '0' or '^' or '#' && at + 1 < format.Length)
            {
                flag = format[at++];
            }

            string? shown = Conversion(time, format[at], flag);
            result.Append(shown is null ? format.AsSpan(begin, at - begin + 1) : flag == '^' ? shown.ToUpperInvariant() : shown);
            meter.AllocateText(16);
        }

        return result.ToString();
    }

    private static string? Conversion(DateTimeOffset time, char type, char flag) => type switch
    {
        'a' => Name(time, "ddd"),
        'A' => Name(time, "dddd"),
        'b' or 'h' => Name(time, "MMM"),
        'B' => Name(time, "MMMM"),
        'd' => Pad(time.Day, 2, flag),
        'e' => Pad(time.Day, 2, flag == '\0' ? '_' : flag),
        'm' => Pad(time.Month, 2, flag),
        'y' => Pad(time.Year % 100, 2, flag),
        'Y' => flag == '\0' ? time.Year.ToString(CultureInfo.InvariantCulture) : Pad(time.Year, 4, flag),
        'C' => Pad(time.Year / 100, 2, flag),
        'H' => Pad(time.Hour, 2, flag),
        'k' => Pad(time.Hour, 2, flag == '\0' ? '_' : flag),
        'I' => Pad(TwelveHour(time), 2, flag),
        'l' => Pad(TwelveHour(time), 2, flag == '\0' ? '_' : flag),
        'p' => time.Hour < 12 ? "AM" : "PM",
        'P' => time.Hour < 12 ? "am" : "pm",
        'M' => Pad(time.Minute, 2, flag),
        'S' => Pad(time.Second, 2, flag),
        'f' => Pad((int)(time.Ticks % TimeSpan.TicksPerSecond / TimeSpan.TicksPerMicrosecond), 6, '\0'),
        'j' => Pad(time.DayOfYear, 3, flag),
        'u' => Pad(time.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)time.DayOfWeek, 1, flag),
        'w' => Pad((int)time.DayOfWeek, 1, flag),
        'U' => Pad((time.DayOfYear + 6 - (int)time.DayOfWeek) / 7, 2, flag),
        'W' => Pad((time.DayOfYear + 6 - (((int)time.DayOfWeek + 6) % 7)) / 7, 2, flag),
        'V' => Pad(ISOWeek.GetWeekOfYear(time.DateTime), 2, flag),
        'G' => Pad(ISOWeek.GetYear(time.DateTime), 4, flag),
        'g' => Pad(ISOWeek.GetYear(time.DateTime) % 100, 2, flag),
        'D' or 'x' => Name(time, "MM'/'dd'/'yy"),
        'F' => Name(time, "yyyy'-'MM'-'dd"),
        'T' or 'X' => Name(time, "HH':'mm':'ss"),
        'R' => Name(time, "HH':'mm"),
        'r' => Name(time, "hh':'mm':'ss tt"),
        'c' => $"{Name(time, "ddd MMM")} {Pad(time.Day, 2, '_')} {Name(time, "HH':'mm':'ss yyyy")}",
        's' => time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),

        // Python's time of day here has no zone.
        'z' or 'Z' => "",
        'n' => "\n",
        't' => "\t",
        '%' => "%",
        _ => null,
    };

    private static int TwelveHour(DateTimeOffset time) => time.Hour % 12 == 0 ? 12 : time.Hour % 12;

    private static string Name(DateTimeOffset time, string format) => time.ToString(format, CultureInfo.InvariantCulture);

    private static string Pad(int number, int width, char flag)
    {
        string digits = number.ToString(CultureInfo.InvariantCulture);
        return flag == '-' ? digits : digits.PadLeft(width, flag == '_' ? ' ' : '0');
    }
}
