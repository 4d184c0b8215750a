using SpecDecode.Grammars.Expressions;

namespace SpecDecode.Grammars.Automata;

/// <content>What has members: those in any order, and those in one order of which some may be left out.</content>
internal sealed partial class NetworkBuilder
{
    private void BuildAnyOrder(AnyOrderExpression order, int from, int to)
    {
        if (_loop != -1)
        {
            Call(from, Rule(order), to);
            return;
        }
        _loop = -2;
        int first = Node(), later = Node(), behind = Node();
        Free(from, first, RegisterAction.Reset);
        ulong possible = 0;
        for (int i = 0; i < order.Items.Length; i++)
        {
            if (order.Items[i] == Expression.Never)
                continue;
            possible |= 1UL << i;
            int item = Node();
            Free(first, item, RegisterAction.Take, (ulong)i);
            Free(behind, item, RegisterAction.Take, (ulong)i);
            Build(order.Items[i], item, later);
        }
        if (order.Others is { } others)
        {
            int item = Node();
            Free(first, item);
            Free(behind, item);
            Build(others, item, later);
        }
        // A separator stands only where something can follow it.
        int separator = Node();
        if (order.Others is not null)
            Free(later, separator);
        else if (possible != 0)
            Free(later, separator, RegisterAction.Lacks, possible);
        Build(order.Separator, separator, behind);
        _loop = -1;
        Free(first, to, RegisterAction.Has, order.Required);
        Free(later, to, RegisterAction.Has, order.Required);
    }

    private void BuildOrdered(OrderedExpression order, int from, int to)
    {
        bool counts = order.Counts;
        if (counts && _loop != -1)
        {
            Call(from, Rule(order), to);
            return;
        }
        int outer = _loop;
        if (counts)
            _loop = -2;
        // Two tracks: nothing is written yet, or something is. Each item leads from either to the second one.
        int none = Node(), some = Node();
        bool canBeNone = true;
        ulong most = (ulong)Math.Max(order.Min, order.Max);
        Free(from, none, counts ? RegisterAction.Reset : RegisterAction.None);
        for (int i = 0; i < order.Items.Length; i++)
        {
            int later = Node();
            var (item, required) = order.Items[i];
            // An item is begun only where there is room for those that must follow, and where enough can follow.
            int after = order.Items[(i + 1)..].Count(next => next.Required);
            int needed = counts && order.Others is null ? order.Min - (order.Items.Length - i) : 0;
            Member(item, later, order.Max - after, needed);
            if (required)
                canBeNone = false;
            else
                Free(some, later);
            some = later;
        }
        if (order.Others is { } others)
            Member(others, some, order.Max, 0);
        _loop = outer;
        if (canBeNone)
            Free(none, to, counts ? RegisterAction.AtLeast : RegisterAction.None, (ulong)order.Min);
        Free(some, to, counts ? RegisterAction.AtLeast : RegisterAction.None, (ulong)order.Min);

        void Member(Expression item, int later, int max, int needed)
        {
            int start = Node(), separator = Node(), end = Node();
            bool hasMax = order.Max != Expression.Unbounded;
            if (canBeNone && needed <= 0 && (!hasMax || max > 0))
                Free(none, start);
            int enough = Node();
            Free(some, enough, needed > 0 ? RegisterAction.From : RegisterAction.None, (ulong)Math.Max(0, needed));
            Free(enough, separator, hasMax ? RegisterAction.Below : RegisterAction.None, (ulong)Math.Max(0, max));
            Build(order.Separator, separator, start);
            Build(item, start, end);
            Free(end, later, counts ? RegisterAction.Count : RegisterAction.None, most);
        }
    }
}
