using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>Elements and slices.</summary>
internal static class Indexing
{
    /// <summary>The element at an index or under a key.</summary>
    /// <returns>False where Python raises TypeError, IndexError or KeyError, which Jinja turns into undefined.</returns>
    public static bool TryGet(Meter meter, object? owner, object? key, out object? value)
    {
        value = null;
        switch (owner)
        {
            case Undefined undefined:
                throw undefined.Error();
            case TemplateReference template:
                value = Text.TryGet(key, out string block) ? template.Find(block) : null;
                return value is not null;
            case DictValue dict:
                return KeyComparer.IsHashable(meter, key) && dict.TryGet(meter, key, out value);
        }

        if (!Number.IsInteger(key))
        {
            return false;
        }

        int? length = owner switch
        {
            string or MarkupValue or SequenceValue or RangeValue => Sequences.TryLength(owner),
            _ => null,
        };
        long index = Number.Index(key);
        index += index < 0 ? length ?? 0 : 0;
        if (length is null || index < 0 || index >= length)
        {
            return false;
        }

        if (Text.TryGet(owner, out string text))
        {
            // Looking for surrogates is much faster than going through pairs.
            meter.Work(CodePoints.IsSimple(text) ? text.Length >> 9 : text.Length >> 5);
        }

        value = owner switch
        {
            SequenceValue sequence => sequence.Items[(int)index],
            RangeValue range => range.At((int)index),
            _ => Text.Like(owner, CodePoints.At(text, (int)index)),
        };
        return true;
    }

    /// <summary>Python's <c>owner[start:stop:step]</c>; null stands for a bound that is left out.</summary>
    public static object Slice(Meter meter, object? owner, object? start, object? stop, object? step)
    {
        if (owner is Undefined undefined)
        {
            throw undefined.Error();
        }

        int length = owner switch
        {
            string or MarkupValue or SequenceValue or RangeValue => Sequences.TryLength(owner)!.Value,
            DictValue => throw TemplateError.Type("unhashable type: 'slice'"),
            _ => throw TemplateError.Type($"'{TypeName.Of(owner)}' object is not subscriptable"),
        };
        long by = step is null ? 1 : Bound(step);
        if (by == 0)
        {
            throw TemplateError.Value("slice step cannot be zero");
        }

        long lowest = by > 0 ? 0 : -1;
        long highest = by > 0 ? length : length - 1;
        long first = start is null ? by > 0 ? lowest : highest : Within(Bound(start));
        long last = stop is null ? by > 0 ? highest : lowest : Within(Bound(stop));
        Int128 distance = by > 0 ? (Int128)last - first : (Int128)first - last;
        Int128 stride = Int128.Abs(by);
        int count = distance <= 0 ? 0 : (int)((distance + stride - 1) / stride);
        int from = (int)first;
        int stepping = count <= 1 ? 1 : (int)by;
        if (Text.TryGet(owner, out string text))
        {
            return Text.Like(owner, CodePoints.Slice(meter, text, count == 0 ? 0 : from, count, stepping));
        }

        if (owner is RangeValue range)
        {
            // Python's bounds of the slice, which show when it is printed.
            return new RangeValue(range.Start + (first * range.Step), range.Start + (last * range.Step), range.Step * by);
        }

        SequenceValue sequence = (SequenceValue)owner!;
        meter.AllocateReferences(count);
        object?[] items = new object?[count];
        for (int i = 0; i < count; i++)
        {
            items[i] = sequence.Items[from + (i * stepping)];
        }

        return sequence.With(items);

        long Within(long bound) => bound < 0 ? Math.Max(bound + length, lowest) : Math.Min(bound, highest);
    }

    private static long Bound(object? value)
    {
        if (value is Undefined || !Number.IsInteger(value))
        {
            throw TemplateError.Type("slice indices must be integers or None or have an __index__ method");
        }

        // Its negative must be representable too.
        return Math.Max(Number.Index(value), -long.MaxValue);
    }
}
