using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>Filters that go through something.</summary>
internal static class SequenceFilters
{
    public static void AddTo(FunctionTable table)
    {
        table.AddQuick("length(obj)", (run, a) => Sequences.Length(run.Meter, a[0]), "count");
        table.Add("list(value)", (run, a) => new ListValue(Sequences.ToList(run.Meter, a[0])));
        table.Add("first(seq)", (run, a) => First(Sequences.Iterate(run.Meter, a[0]), "No first item, sequence was empty."));
        table.Add("last(seq)", (run, a) => First(
            Sequences.TryReverse(run.Meter, a[0]) ?? throw NotReversible(a[0]),
            "No last item, sequence was empty."));
        table.Add("join(value, d?, attribute?)", Join);
        table.AddQuick("default(value, default_value?, boolean?)", (_, a) => a[0] is Undefined || (a.Truth(2) && !Truth.Of(a[0])) ? a.Or(1, "") : a[0], "d");
        table.Add("items(value)", (run, a) => new IteratorValue(Items(run, a[0])));
        table.Add("dictsort(value, case_sensitive?, by?, reverse?)", DictSort);
        table.Add("sort(value, reverse?, case_sensitive?, attribute?)", Sort);
        table.Add("unique(value, case_sensitive?, attribute?)", (run, a) =>
        {
            AttributePath key = new(run, a.Or(2, null), foldCase: !a.Truth(1));
            return new IteratorValue(Unique(run, a[0], key), a[0]);
        });
        table.Add("min(value, case_sensitive?, attribute?)", (run, a) => Extreme(run, a, ComparisonOperator.Less));
        table.Add("max(value, case_sensitive?, attribute?)", (run, a) => Extreme(run, a, ComparisonOperator.Greater));
        table.Add("sum(iterable, attribute?, start?)", Sum);
        table.Add("reverse(value)", Reverse);
        table.Add("batch(value, linecount, fill_with?)", (run, a) => new IteratorValue(Batch(run, a[0], a[1], a.Or(2, null)), a[0]));
        table.Add("slice(value, slices, fill_with?)", (run, a) => new IteratorValue(Slice(run, a[0], a[1], a.Or(2, null)), a[0]));
        table.Add("groupby(value, attribute, default?, case_sensitive?)", GroupBy);
        table.Add("attr(obj, name)", (run, a) => a[0] is Undefined undefined ? throw undefined.Error()
            : Access.TryAttribute(run, a[0], a.Printed(run, 1), out object? value) ? value
            : Undefined.Of(a[0], a.Printed(run, 1)));
        table.Refuse("random", "the output of a template must not change from call to call; remove the filter from the template.");
    }

    private static object? First(IEnumerable<object?> items, string otherwise)
    {
        foreach (object? item in items)
        {
            return item;
        }

        return Undefined.Because(otherwise);
    }

    private static TemplateError NotReversible(object? value) => TemplateError.Type($"'{TypeName.Of(value)}' object is not reversible");

    private static object? Join(Run run, BoundArguments a)
    {
        string separator = a.Has(1) ? a.Printed(run, 1) : "";
        AttributePath path = new(run, a.Or(2, null));
        IEnumerable<object?> texts = Sequences.Iterate(run.Meter, a[0]).Select(item => (object?)Text.Of(run.Meter, path.Follow(item)));
        return TextFunctions.Join(run.Meter, separator, new IteratorValue(texts), escape: false);
    }

    private static IEnumerable<object?> Items(Run run, object? value)
    {
        if (value is not (DictValue or Undefined))
        {
            throw TemplateError.Type("Can only get item pairs from a mapping.");
        }

        foreach (object? item in value is DictValue dict ? Sequences.Iterate(run.Meter, new ViewValue(dict, ViewKind.Items)) : [])
        {
            yield return item;
        }
    }

    private static object? DictSort(Run run, BoundArguments a)
    {
        object? by = a.Or(2, "key");
        if (by is not ("key" or "value"))
        {
            throw TemplateError.FilterArgument("You can only sort by either \"key\" or \"value\"");
        }

        if (a[0] is not DictValue dict)
        {
            throw a[0] is Undefined undefined ? undefined.Error() : TemplateError.Attribute($"'{TypeName.Of(a[0])}' object has no attribute 'items'");
        }

        bool foldCase = !a.Truth(1);
        List<object?> items = Sequences.ToList(run.Meter, new ViewValue(dict, ViewKind.Items));
        return new ListValue(Sorting.Sort(
            run.Meter, items, item => AttributePath.Fold(run.Meter, ((TupleValue)item!).Items[by is "key" ? 0 : 1], foldCase), a.Truth(3)));
    }

    private static object? Sort(Run run, BoundArguments a)
    {
        bool foldCase = !a.Truth(2);
        object? attribute = a.Or(3, null);
        AttributePath[] paths = Text.TryGet(attribute, out string names)
            ? [.. names.Split(',').Select(name => new AttributePath(run, name, foldCase))]
            : [new AttributePath(run, attribute, foldCase)];
        return new ListValue(Sorting.Sort(
            run.Meter, Sequences.ToList(run.Meter, a[0]), item => new ListValue([.. paths.Select(path => path.Follow(item))]), a.Truth(1)));
    }

    private static IEnumerable<object?> Unique(Run run, object? value, AttributePath key)
    {
        DictValue seen = new();
        foreach (object? item in Sequences.Iterate(run.Meter, value))
        {
            object? by = key.Follow(item);
            if (!seen.TryGet(run.Meter, by, out _))
            {
                run.Meter.AllocateItems(2);
                seen.Set(run.Meter, by, null);
                yield return item;
            }
        }
    }

    private static object? Extreme(Run run, BoundArguments a, ComparisonOperator better)
    {
        AttributePath path = new(run, a.Or(2, null), foldCase: !a.Truth(1));
        object? best = Undefined.Because("No aggregated item, sequence was empty.");
        object? bestKey = null;
        bool any = false;
        foreach (object? item in Sequences.Iterate(run.Meter, a[0]))
        {
            object? key = path.Follow(item);
            if (!any || Comparison.Ordered(run.Meter, better, key, bestKey))
            {
                (best, bestKey, any) = (item, key, true);
            }
        }

        return best;
    }

    private static object? Sum(Run run, BoundArguments a)
    {
        AttributePath path = new(run, a.Or(1, null));
        object? sum = a.Or(2, 0L);
        if (Text.Is(sum))
        {
            throw TemplateError.Type("sum() can't sum strings [use ''.join(seq) instead]");
        }

        foreach (object? item in Sequences.Iterate(run.Meter, a[0]))
        {
            sum = Operators.Apply(run, BinaryOperator.Add, sum, path.Follow(item));
        }

        return sum;
    }

    private static object? Reverse(Run run, BoundArguments a)
    {
        if (Text.TryGet(a[0], out string text))
        {
            int length = CodePoints.Length(text);
            return Text.Like(a[0], CodePoints.Slice(run.Meter, text, length - 1, length, -1));
        }

        if (Sequences.TryReverse(run.Meter, a[0]) is { } reversed)
        {
            return new IteratorValue(reversed, typeName: $"{(a[0] is SequenceValue ? "list_" : "")}reverseiterator");
        }

        if (!Sequences.IsIterable(a[0]))
        {
            throw TemplateError.FilterArgument("argument must be iterable");
        }

        List<object?> items = Sequences.ToList(run.Meter, a[0]);
        items.Reverse();
        return new ListValue(items);
    }

    private static IEnumerable<object?> Batch(Run run, object? value, object? count, object? fill)
    {
        List<object?> batch = [];
        foreach (object? item in Sequences.Iterate(run.Meter, value))
        {
            if (Comparison.AreEqual(run.Meter, (long)batch.Count, count))
            {
                yield return new ListValue(batch);
                batch = [];
            }

            run.Meter.AllocateItems(1);
            batch.Add(item);
        }

        if (batch.Count > 0)
        {
            long missing = fill is null ? 0 : Number.Index(count) - batch.Count;
            run.Meter.AllocateItems(Math.Max(0, missing));
            batch.AddRange(Enumerable.Repeat(fill, (int)Math.Max(0, missing)));
            yield return new ListValue(batch);
        }
    }

    private static IEnumerable<object?> Slice(Run run, object? value, object? slices, object? fill)
    {
        List<object?> items = Sequences.ToList(run.Meter, value);
        long count = Number.Index(slices);
        if (count == 0)
        {
            throw TemplateError.ZeroDivision("integer division or modulo by zero");
        }

        long each = count < 0 ? 0 : items.Count / count;
        long larger = count < 0 ? 0 : items.Count % count;
        int begin = 0;
        for (long slice = 0; slice < count; slice++)
        {
            run.Meter.Work(8);
            int length = (int)(each + (slice < larger ? 1 : 0));
            run.Meter.AllocateItems(length + 1);
            List<object?> part = items.GetRange(begin, length);
            begin += length;
            if (fill is not null && slice >= larger)
            {
                part.Add(fill);
            }

            yield return new ListValue(part);
        }
    }

    private static object? GroupBy(Run run, BoundArguments a)
    {
        bool foldCase = !a.Truth(3);
        object? substitute = a.Or(2, null);
        AttributePath path = new(run, a[1], foldCase, substitute);
        AttributePath shown = new(run, a[1], foldCase: false, substitute);
        List<object?> groups = [];
        List<object?> members = [];
        object? current = null;
        foreach (object? item in Sorting.Sort(run.Meter, Sequences.ToList(run.Meter, a[0]), path.Follow, reverse: false))
        {
            object? key = path.Follow(item);
            if (members.Count > 0 && !Comparison.AreEqual(run.Meter, key, current))
            {
                groups.Add(new GroupValue(shown.Follow(members[0]), new ListValue(members)));
                members = [];
            }

            current = key;
            members.Add(item);
        }

        if (members.Count > 0)
        {
            groups.Add(new GroupValue(shown.Follow(members[0]), new ListValue(members)));
        }

        return new ListValue(groups);
    }
}
