using System.Numerics;
using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>Filters that make or take a number.</summary>
internal static class NumberFilters
{
    private static readonly string[] Decimal = ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
    private static readonly string[] Binary = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];

    public static void AddTo(FunctionTable table)
    {
        table.Add("abs(x)", (_, a) => a[0] switch
        {
            double real => Math.Abs(real),
            _ => Number.TryInteger(a[0], out BigInteger whole) ? Number.Of(BigInteger.Abs(whole))
                : throw TemplateError.Type($"bad operand type for abs(): '{TypeName.Of(a[0])}'"),
        });
        table.Add("int(value, default?, base?)", ToWhole);
        table.Add("float(value, default?)", (run, a) => TryReal(run.Meter, a[0], out double real) ? real : a.Or(1, 0.0));
        table.Add("round(value, precision?, method?)", Round);
        table.Add("filesizeformat(value, binary?)", FileSize);
    }

    private static object? ToWhole(Run run, BoundArguments a)
    {
        if (Text.TryGet(a[0], out string text))
        {
            long radix = a.Whole(2, 10);
            if (radix is not (0 or (>= 2 and <= 36)))
            {
                return Fallback();
            }

            run.Meter.Work(text.Length);
            return Number.TryParseInteger(text, (int)radix, out object whole) ? whole : Fallback();
        }

        return a[0] switch
        {
            double real when !double.IsNaN(real) => Number.Truncate(real),
            _ when Number.TryInteger(a[0], out BigInteger number) => Number.Of(number),
            Undefined undefined => throw undefined.Error(),
            _ => a.Or(1, 0L),
        };

        object? Fallback() => Number.TryParseFloat(text, out double real) && double.IsFinite(real) ? Number.Truncate(real) : a.Or(1, 0L);
    }

    private static bool TryReal(Meter meter, object? value, out double real)
    {
        if (value is Undefined undefined)
        {
            throw undefined.Error();
        }

        real = Number.Is(value) ? Number.ToDouble(value) : 0;
        meter.Work(Text.TryGet(value, out string written) ? written.Length >> 3 : 0);
        return Number.Is(value) || (Text.Is(value) && Number.TryParseFloat(written, out real));
    }

    private static object? Round(Run run, BoundArguments a)
    {
        string method = a.Has(2) ? a.Text(2) : "common";
        if (method is not ("common" or "ceil" or "floor"))
        {
            throw TemplateError.FilterArgument("method must be common, ceil or floor");
        }

        if (method == "common")
        {
            // Without digits Python's round gives a whole number, but the filter always says how many.
            int digits = (int)Math.Clamp(a.Whole(1), -100_000, 100_000);
            run.Meter.Work(Math.Min(Math.Abs(digits), RenderLimits.IntegerBits) + (a[0] is BigInteger ? 64 : 0));
            return Arithmetic.Round(a[0], digits);
        }

        object power = Arithmetic.Apply(BinaryOperator.Power, 10L, a.Whole(1));
        object? scaled = Operators.Apply(run, BinaryOperator.Multiply, a[0], power);
        double real = Number.Is(scaled) ? Number.ToDouble(scaled) : throw TemplateError.Type($"must be real number, not {TypeName.Of(scaled)}");
        object whole = Number.Truncate(method == "ceil" ? Math.Ceiling(real) : Math.Floor(real));
        return Arithmetic.Apply(BinaryOperator.Divide, whole, power);
    }

    private static object? FileSize(Run run, BoundArguments a)
    {
        if (!TryReal(run.Meter, a[0], out double bytes))
        {
            throw Text.TryGet(a[0], out string text) ? TemplateError.Value($"could not convert string to float: {Repr.OfText(text)}")
                : TemplateError.Type($"float() argument must be a string or a real number, not '{TypeName.Of(a[0])}'");
        }

        bool binary = a.Truth(1);
        double unit = binary ? 1024 : 1000;
        if (bytes == 1)
        {
            return "1 Byte";
        }

        if (bytes < unit)
        {
            return $"{Repr.Of(Number.Truncate(bytes), run.Meter)} Bytes";
        }

        string[] prefixes = binary ? Binary : Decimal;
        int index = 0;
        double size = Math.Pow(unit, 2);
        while (bytes >= size && index < prefixes.Length - 1)
        {
            size *= unit;
            index++;
        }

        return $"{FormatSpec.Apply(run, unit * bytes / size, ".1f")} {prefixes[index]}";
    }
}
