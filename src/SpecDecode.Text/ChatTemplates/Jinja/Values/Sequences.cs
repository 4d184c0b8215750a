using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>Length, iteration and membership of whatever has them.</summary>
internal static class Sequences
{
    /// <summary>Python's <c>len()</c>.</summary>
    /// <returns>Null where there is none.</returns>
    public static int? TryLength(object? value) => value switch
    {
        string text => CodePoints.Length(text),
        MarkupValue markup => CodePoints.Length(markup.Content),
        SequenceValue sequence => sequence.Items.Count,
        DictValue dict => dict.Count,
        ViewValue view => view.Count,
        RangeValue range => range.Count,
        LoopValue loop => loop.Length,
        Undefined => 0,
        _ => null,
    };

    public static long Length(Meter meter, object? value)
    {
        if (Text.TryGet(value, out string text))
        {
            meter.Scan(text.Length);
        }

        return TryLength(value) ?? throw TemplateError.Type($"object of type '{TypeName.Of(value)}' has no len()");
    }

    public static bool IsIterable(object? value) =>
        value is string or MarkupValue or SequenceValue or DictValue or ViewValue or RangeValue or IteratorValue or Undefined or LoopValue;

    /// <summary>The elements in order, each counted as a step.</summary>
    /// <exception cref="TemplateError">It has none.</exception>
    public static IEnumerable<object?> Iterate(Meter meter, object? value) => value switch
    {
        string text => Texts(meter, text),
        MarkupValue markup => Texts(meter, markup.Content),
        SequenceValue sequence => Counted(meter, sequence.Items),
        DictValue dict => Counted(meter, dict.Keys),
        ViewValue view => Numbered(meter, view.Count, view.At),
        RangeValue range => Numbered(meter, range.Count, i => range.At(i)),
        IteratorValue iterator => Drawn(meter, iterator),
        Undefined => [],
        LoopValue => throw TemplateError.Unsupported("going through 'loop' itself."),
        _ => throw TemplateError.Type($"'{TypeName.Of(value)}' object is not iterable"),
    };

    /// <summary>All elements.</summary>
    public static List<object?> ToList(Meter meter, object? value)
    {
        List<object?> items = [];
        foreach (object? item in Iterate(meter, value))
        {
            meter.AllocateItems(1);
            items.Add(item);
        }

        return items;
    }

    /// <summary>The elements from the last to the first, for what has an order.</summary>
    /// <returns>Null where it has none.</returns>
    public static IEnumerable<object?>? TryReverse(Meter meter, object? value) => value switch
    {
        string text => Counted(meter, CodePoints.EachFromEnd(text)),
        MarkupValue markup => Counted(meter, CodePoints.EachFromEnd(markup.Content)),
        SequenceValue sequence => Numbered(meter, sequence.Items.Count, i => sequence.Items[^(i + 1)]),
        DictValue dict => Numbered(meter, dict.Count, i => dict.At(dict.Count - 1 - i).Key),
        ViewValue view => Numbered(meter, view.Count, i => view.At(view.Count - 1 - i)),
        RangeValue range => Numbered(meter, range.Count, i => range.At(range.Count - 1 - i)),
        Undefined => [],
        _ => null,
    };

    /// <summary>Python's <c>in</c>.</summary>
    public static bool Contains(Meter meter, object? container, object? item)
    {
        if (Text.TryGet(container, out string text))
        {
            return Text.TryGet(item, out string part) ? TextSearch.IndexOf(meter, text, part) >= 0
                : throw TemplateError.Type($"'in <string>' requires string as left operand, not {TypeName.Of(item)}");
        }

        switch (container)
        {
            case DictValue dict:
                return dict.TryGet(meter, item, out _);
            case ViewValue { IsKeys: true } view:
                return view.Dict.TryGet(meter, item, out _);
            case RangeValue range:
                return range.IndexOf(item) >= 0;
        }

        if (!IsIterable(container))
        {
            throw TemplateError.Type($"argument of type '{TypeName.Of(container)}' is not iterable");
        }

        foreach (object? element in Iterate(meter, container))
        {
            if (Comparison.AreSameOrEqual(meter, element, item))
            {
                return true;
            }
        }

        return false;
    }

    private static IEnumerable<object?> Counted(Meter meter, IEnumerable<object?> items)
    {
        foreach (object? item in items)
        {
            meter.Step();
            yield return item;
        }
    }

    private static IEnumerable<object?> Texts(Meter meter, string text)
    {
        foreach (string character in CodePoints.Each(text))
        {
            meter.Step();
            yield return character;
        }
    }

    private static IEnumerable<object?> Numbered(Meter meter, int count, Func<int, object?> at)
    {
        for (int i = 0; i < count; i++)
        {
            meter.Step();
            yield return at(i);
        }
    }

    private static IEnumerable<object?> Drawn(Meter meter, IteratorValue iterator)
    {
        while (true)
        {
            // What it makes on the way may stay in it.
            MemoryAccount.Mark begin = meter.Memory.Now;
            bool any = iterator.Next(out object? item);
            meter.Memory.KeepMade(begin);
            if (!any)
            {
                yield break;
            }

            meter.Step();
            yield return item;
        }
    }
}
