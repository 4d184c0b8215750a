using System.Globalization;
using System.Numerics;
using System.Text;
using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>Python's <c>json.dumps</c>, which the filter <c>tojson</c> of chat templates is: nothing is escaped for HTML.</summary>
internal sealed class JsonText
{
    private readonly Meter _meter;
    private readonly StringBuilder _json = new();
    private readonly bool _ascii;
    private readonly string? _indent;
    private readonly string _itemSeparator;
    private readonly string _keySeparator;
    private readonly bool _sortKeys;

    private JsonText(Meter meter, bool ascii, string? indent, string itemSeparator, string keySeparator, bool sortKeys) =>
        (_meter, _ascii, _indent, _itemSeparator, _keySeparator, _sortKeys) = (meter, ascii, indent, itemSeparator, keySeparator, sortKeys);

    /// <summary>The filter.</summary>
    /// <param name="run">The rendering.</param>
    /// <param name="a">value, ensure_ascii (false), indent (none), separators (none), sort_keys (false).</param>
    public static string Dump(Run run, BoundArguments a)
    {
        object? indent = a.Or(2, null);
        string? unit = indent is null ? null : Text.TryGet(indent, out string text) ? text : TextFunctions.Repeat(run.Meter, " ", Number.Index(indent));
        (string item, string key) = (unit is null ? ", " : ",", ": ");
        if (a.Or(3, null) is { } separators)
        {
            List<object?> pair = Sequences.ToList(run.Meter, separators);
            if (pair is not [var first, var second] || !Text.TryGet(first, out item) || !Text.TryGet(second, out key))
            {
                throw TemplateError.Value("separators of tojson must be two texts: between items, and between key and value");
            }
        }

        JsonText json = new(run.Meter, a.Truth(1), unit, item, key, a.Truth(4));
        json.Write(a[0], 0);
        return json._json.ToString();
    }

    private void Write(object? value, int depth)
    {
        Meter.EnsureDepth(depth);
        _meter.Step();
        switch (value)
        {
            case null:
                Append("null");
                break;
            case bool truth:
                Append(truth ? "true" : "false");
                break;
            case long number:
                Append(number.ToString(CultureInfo.InvariantCulture));
                break;
            case BigInteger number:
                _meter.Work(256);
                Append(Repr.OfInteger(number));
                break;
            case double number:
                Append(Real(number));
                break;
            case SequenceValue sequence:
                WriteAll('[', sequence.Items, ']', depth, item => Write(item, depth + 1));
                break;
            case DictValue dict:
                IReadOnlyList<KeyValuePair<object?, object?>> entries = [.. dict.Entries];
                if (_sortKeys)
                {
                    entries = Sorting.Sort(_meter, entries, entry => entry.Key, reverse: false);
                }

                WriteAll('{', entries, '}', depth, entry =>
                {
                    WriteText(Key(entry.Key));
                    Append(_keySeparator);
                    Write(entry.Value, depth + 1);
                });
                break;
            default:
                if (!Text.TryGet(value, out string text))
                {
                    throw TemplateError.Type($"Object of type {TypeName.Of(value)} is not JSON serializable");
                }

                WriteText(text);
                break;
        }
    }

    private void WriteAll<T>(char open, IReadOnlyList<T> items, char close, int depth, Action<T> write)
    {
        _json.Append(open);
        for (int i = 0; i < items.Count; i++)
        {
            Append(i == 0 ? "" : _itemSeparator);
            NewLine(depth + 1);
            write(items[i]);
        }

        if (items.Count > 0)
        {
            NewLine(depth);
        }

        _json.Append(close);
    }

    private void NewLine(int depth)
    {
        if (_indent is not null)
        {
            _json.Append('\n').Append(TextFunctions.Repeat(_meter, _indent, depth));
        }
    }

    private void Append(string text)
    {
        if (_json.Length > _meter.Limits.OutputLength)
        {
            throw TemplateError.Limit($"a text is longer than {_meter.Limits.OutputLength} characters.");
        }

        _meter.AllocateText(text.Length);
        _json.Append(text);
    }

    private static string Key(object? key) => key switch
    {
        string text => text,
        null => "null",
        bool truth => truth ? "true" : "false",
        double number => Real(number),
        long or BigInteger => Repr.Of(key),
        _ => throw TemplateError.Type($"keys must be str, int, float, bool or None, not {TypeName.Of(key)}"),
    };

    private static string Real(double number) => double.IsFinite(number) ? FloatText.Repr(number)
        : double.IsNaN(number) ? "NaN"
        : number > 0 ? "Infinity"
        : "-Infinity";

    private void WriteText(string text)
    {
        int before = _json.Length;
        _json.Append('"');
        foreach (char character in text)
        {
            _ = character switch
            {
                '"' => _json.Append("\\\""),
                '\\' => _json.Append("\\\\"),
                '\n' => _json.Append("\\n"),
                '\r' => _json.Append("\\r"),
                '\t' => _json.Append("\\t"),
                '\b' => _json.Append("\\b"),
                '\f' => _json.Append("\\f"),
                < ' ' => Escape(character),

                // Python's "space to tilde": U+007F is escaped too, and pairs as the two surrogates that they are.
                > '~' when _ascii => Escape(character),
                _ => _json.Append(character),
            };
        }

        _json.Append('"');
        _meter.AllocateText(_json.Length - before);
    }

    private StringBuilder Escape(char character) => _json.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
}
