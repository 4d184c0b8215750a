using System.Globalization;
using System.Numerics;
using System.Text;
using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>Values as Python's <c>repr()</c> writes them.</summary>
internal static class Repr
{
    // How much of a value a message shows.
    private const int MessageLength = 200;

    // CPython refuses to print longer ones.
    private const int MaxDigits = 4300;

    /// <param name="value">Any value.</param>
    /// <param name="meter">Counts the characters; may be null for messages, which are cut.</param>
    public static string Of(object? value, Meter? meter = null)
    {
        switch (value)
        {
            case null:
                return "None";
            case bool truth:
                return truth ? "True" : "False";
            case long number:
                return number.ToString(CultureInfo.InvariantCulture);
        }

        StringBuilder result = new();
        Write(result, value, meter, 0);
        return meter is null && result.Length > MessageLength ? result.ToString(0, MessageLength) + "…" : result.ToString();
    }

    /// <summary>A text in quotes: single ones unless there are such in it and no double ones.</summary>
    public static string OfText(string text)
    {
        StringBuilder result = new(text.Length + 2);
        WriteText(result, text);
        return result.ToString();
    }

    /// <summary>With everything beyond ASCII escaped too, as <c>ascii()</c> does.</summary>
    public static string Ascii(object? value, Meter meter)
    {
        StringBuilder result = new();
        foreach (int code in CodePoints.Numbers(Of(value, meter)))
        {
            _ = code < 128 ? result.Append((char)code) : Escape(result, code);
        }

        meter.AllocateText(result.Length);
        return result.ToString();
    }

    /// <summary>A whole number in decimal.</summary>
    public static string OfInteger(BigInteger number)
    {
        string text = number.ToString(CultureInfo.InvariantCulture);
        return text.Length <= MaxDigits ? text : throw TemplateError.Value($"Exceeds the limit ({MaxDigits} digits) for integer string conversion");
    }

    /// <summary>Whether Python prints a code point as it is.</summary>
    public static bool IsPrintable(int code) => code == ' ' || CodePoints.Category(code) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.SpaceSeparator);

    private static void Write(StringBuilder result, object? value, Meter? meter, int depth)
    {
        Meter.EnsureDepth(depth);
        if (meter is null && result.Length > MessageLength)
        {
            return;
        }

        int before = result.Length;
        switch (value)
        {
            case string text:
                meter?.Work(text.Length >> 2);
                WriteText(result, text);
                break;
            case MarkupValue markup:
                result.Append("Markup(");
                WriteText(result, markup.Content);
                result.Append(')');
                break;
            case BigInteger number:
                meter?.Work(256);
                result.Append(OfInteger(number));
                break;
            case double number:
                result.Append(FloatText.Repr(number));
                break;
            case Undefined:
                result.Append("Undefined");
                break;
            case ListValue list:
                WriteItems(result, "[", list.Items, "]", meter, depth);
                break;
            case TupleValue tuple:
                WriteItems(result, "(", tuple.Items, tuple.Items.Count == 1 ? ",)" : ")", meter, depth);
                break;
            case DictValue dict:
                WriteEntries(result, dict.Entries, meter, depth);
                break;
            case ViewValue view:
                result.Append(view.TypeName);
                WriteItems(result, "([", [.. Enumerable.Range(0, view.Count).Select(view.At)], "])", meter, depth);
                break;
            case NamespaceValue space:
                result.Append("<Namespace ");
                WriteEntries(result, space.Attributes.Select(entry => new KeyValuePair<object?, object?>(entry.Key, entry.Value)), meter, depth);
                result.Append('>');
                break;
            case RangeValue range:
                result.Append(CultureInfo.InvariantCulture, $"range({range.Start}, {range.Stop}");
                result.Append(range.Step == 1 ? ")" : string.Create(CultureInfo.InvariantCulture, $", {range.Step})"));
                break;
            case LoopValue loop:
                result.Append(CultureInfo.InvariantCulture, $"<LoopContext {loop.Index}/{loop.Length}>");
                break;
            case MacroValue macro:
                result.Append(macro.Name is null ? "<Macro anonymous>" : $"<Macro {OfText(macro.Name)}>");
                break;
            case TemplateReference:
                result.Append("<TemplateReference None>");
                break;
            case null or bool or long:
                result.Append(Of(value));
                break;
            case ICallable callable:
                result.Append(CultureInfo.InvariantCulture, $"<function {callable.Name}>");
                break;
            default:
                result.Append(CultureInfo.InvariantCulture, $"<{TypeName.Of(value)} object>");
                break;
        }

        // Lists count their members by themselves.
        meter?.AllocateText(value is SequenceValue or DictValue or ViewValue or NamespaceValue ? 4 : result.Length - before);
    }

    private static void WriteItems(StringBuilder result, string open, IReadOnlyList<object?> items, string close, Meter? meter, int depth)
    {
        result.Append(open);
        for (int i = 0; i < items.Count && (meter is not null || result.Length <= MessageLength); i++)
        {
            meter?.Step();
            result.Append(i == 0 ? "" : ", ");
            Write(result, items[i], meter, depth + 1);
        }

        result.Append(close);
    }

    private static void WriteEntries(StringBuilder result, IEnumerable<KeyValuePair<object?, object?>> entries, Meter? meter, int depth)
    {
        result.Append('{');
        string separator = "";
        foreach ((object? key, object? value) in entries)
        {
            if (meter is null && result.Length > MessageLength)
            {
                break;
            }

            meter?.Step();
            result.Append(separator);
            Write(result, key, meter, depth + 1);
            result.Append(": ");
            Write(result, value, meter, depth + 1);
            separator = ", ";
        }

        result.Append('}');
    }

    private static void WriteText(StringBuilder result, string text)
    {
        char quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        result.Append(quote);
        foreach (int code in CodePoints.Numbers(text))
        {
            _ = code switch
            {
                '\n' => result.Append("\\n"),
                '\r' => result.Append("\\r"),
                '\t' => result.Append("\\t"),
                '\\' => result.Append("\\\\"),
                _ when code == quote => result.Append('\\').Append(quote),
                >= ' ' and < 127 => result.Append((char)code),
                _ when IsPrintable(code) => result.Append(CodePoints.OfNumber(code)),
                _ => Escape(result, code),
            };
        }

        result.Append(quote);
    }

    private static StringBuilder Escape(StringBuilder result, int code) => code switch
    {
        < 0x100 => result.Append(CultureInfo.InvariantCulture, $"\\x{code:x2}"),
        < 0x10000 => result.Append(CultureInfo.InvariantCulture, $"\\u{code:x4}"),
        _ => result.Append(CultureInfo.InvariantCulture, $"\\U{code:x8}"),
    };
}
