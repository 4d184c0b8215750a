using System.Text;
using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>The filter <c>pprint</c>: Python's <c>pformat</c> with lines of 80 characters and sorted keys.</summary>
internal sealed class PrettyText
{
    private const int Width = 80;

    private readonly Meter _meter;
    private readonly StringBuilder _result = new();

    private PrettyText(Meter meter) => _meter = meter;

    public static string Of(Meter meter, object? value)
    {
        PrettyText text = new(meter);
        text.Write(text.Sorted(value, 0), 0, 0, 1);
        return text._result.ToString();
    }

    private void Write(object? value, int indent, int allowance, int level)
    {
        Meter.EnsureDepth(level);
        string shown = Repr.Of(value, _meter);
        if (CodePoints.Length(shown) <= Width - indent - allowance)
        {
            _result.Append(shown);
            return;
        }

        switch (value)
        {
            case DictValue { Count: > 0 } dict:
                _result.Append('{');
                WriteEntries([.. dict.Entries], indent + 1, allowance + 1, level);
                _result.Append('}');
                break;
            case ListValue { Items.Count: > 0 } list:
                _result.Append('[');
                WriteItems(list.Items, indent + 1, allowance + 1, level);
                _result.Append(']');
                break;
            case TupleValue { Items.Count: > 0 } tuple when value is not GroupValue:
                string close = tuple.Items.Count == 1 ? ",)" : ")";
                _result.Append('(');
                WriteItems(tuple.Items, indent + 1, allowance + close.Length, level);
                _result.Append(close);
                break;
            case string { Length: > 0 } text:
                WriteText(text, indent, allowance, level);
                break;
            default:
                _result.Append(shown);
                break;
        }
    }

    private void WriteEntries(IReadOnlyList<KeyValuePair<object?, object?>> entries, int indent, int allowance, int level)
    {
        for (int i = 0; i < entries.Count; i++)
        {
            bool last = i == entries.Count - 1;
            string key = Repr.Of(entries[i].Key, _meter);
            _result.Append(key).Append(": ");
            Write(entries[i].Value, indent + CodePoints.Length(key) + 2, last ? allowance : 1, level + 1);
            NextLine(last ? null : ",", indent);
        }
    }

    private void WriteItems(IReadOnlyList<object?> items, int indent, int allowance, int level)
    {
        for (int i = 0; i < items.Count; i++)
        {
            bool last = i == items.Count - 1;
            Write(items[i], indent, last ? allowance : 1, level + 1);
            NextLine(last ? null : ",", indent);
        }
    }

    private void NextLine(string? separator, int indent)
    {
        if (separator is not null)
        {
            _result.Append(separator).Append('\n').Append(TextFunctions.Repeat(_meter, " ", indent));
        }
    }

    // Lines of a text, and words of lines that are too long, as literals below each other.
    private void WriteText(string text, int indent, int allowance, int level)
    {
        bool outermost = level == 1;
        indent += outermost ? 1 : 0;
        allowance += outermost ? 1 : 0;
        IReadOnlyList<object?> lines = TextSplitting.Lines(_meter, text, keepEnds: true).Items;
        List<string> chunks = [];
        for (int i = 0; i < lines.Count; i++)
        {
            string line = (string)lines[i]!;
            string shown = Repr.OfText(line);
            bool lastLine = i == lines.Count - 1;
            if (CodePoints.Length(shown) <= Width - indent - (lastLine ? allowance : 0))
            {
                chunks.Add(shown);
                continue;
            }

            string current = "";
            for (int at = 0; at < line.Length;)
            {
                int end = at;
                while (end < line.Length && !Text.IsSpace(line[end]))
                {
                    end++;
                }

                while (end < line.Length && Text.IsSpace(line[end]))
                {
                    end++;
                }

                string part = line[at..end];
                at = end;
                _meter.AllocateText(current.Length + (long)part.Length);
                int room = Width - indent - (lastLine && at == line.Length ? allowance : 0);
                if (CodePoints.Length(Repr.OfText(current + part)) > room)
                {
                    chunks.AddRange(current.Length > 0 ? [Repr.OfText(current)] : []);
                    current = part;
                }
                else
                {
                    current += part;
                }
            }

            chunks.AddRange(current.Length > 0 ? [Repr.OfText(current)] : []);
        }

        bool bracketed = outermost && chunks.Count > 1;
        _result.Append(bracketed ? "(" : "");
        for (int i = 0; i < chunks.Count; i++)
        {
            NextLine(i == 0 ? null : "", indent);
            _result.Append(chunks[i]);
        }

        _result.Append(bracketed ? ")" : "");
    }

    private object? Sorted(object? value, int depth)
    {
        Meter.EnsureDepth(depth);
        _meter.Work(16);
        switch (value)
        {
            case GroupValue:
                // Python shows it as it is, on one line.
                return value;
            case SequenceValue sequence:
                _meter.AllocateItems(sequence.Items.Count);
                return sequence.With([.. sequence.Items.Select(item => Sorted(item, depth + 1))]);
            case DictValue dict:
                _meter.AllocateItems(dict.Count * 4L);
                IReadOnlyList<KeyValuePair<object?, object?>> entries = [.. dict.Entries];
                if (entries.All(entry => Text.Is(entry.Key)) || entries.All(entry => Number.Is(entry.Key)))
                {
                    entries = Sorting.Sort(_meter, entries, entry => entry.Key, reverse: false);
                }

                DictValue sorted = new();
                foreach ((object? key, object? item) in entries)
                {
                    sorted.Set(_meter, key, Sorted(item, depth + 1));
                }

                return sorted;
            default:
                return value;
        }
    }
}
