using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using SpecDecode.Grammars.Automata;
using SpecDecode.Grammars.Expressions;

namespace SpecDecode.Tests.Grammars;

/// <summary>
/// What may follow a text, in the simplest way: all lists of expressions that are still to come, one of which must be gone through.
/// No automaton, no register, nothing remembered. For grammars whose rules do not begin with themselves.
/// </summary>
internal sealed class ReferenceRecogniser
{
    private readonly RuleSet _rules;
    private readonly Dictionary<string, Rest?> _rests;

    private ReferenceRecogniser(RuleSet rules, Dictionary<string, Rest?> rests)
    {
        (_rules, _rests) = (rules, rests);
        MayEnd = rests.ContainsKey("");
    }

    /// <summary>Whether the text may end here.</summary>
    public bool MayEnd { get; }

    /// <summary>Whether anything may follow, or the text may end.</summary>
    public bool IsAlive => _rests.Count > 0;

    public static ReferenceRecogniser Of(IReadOnlyList<Expression> rules)
    {
        var set = new RuleSet(rules);
        return Make(set, [new Rest(set.Rules[0], null)]);
    }

    /// <summary>What may follow behind one more byte.</summary>
    public ReferenceRecogniser Step(byte value)
    {
        var next = new List<Rest?>();
        foreach (var rest in _rests.Values)
        {
            if (rest?.Head is ByteRanges bytes && bytes.Ranges.Length > 0 && bytes.Ranges[0].From <= value && value <= bytes.Ranges[0].To)
                next.Add(bytes.Ranges.Length == 1 ? rest.Next : new Rest(new ByteRanges(bytes.Ranges[1..]), rest.Next));
        }
        return Make(_rules, next);
    }

    public ReferenceRecogniser Step(ReadOnlySpan<byte> bytes)
    {
        var state = this;
        foreach (byte value in bytes)
            state = state.Step(value);
        return state;
    }

    // Opens heads until each is bytes.
    private static ReferenceRecogniser Make(RuleSet rules, IEnumerable<Rest?> rests)
    {
        var result = new Dictionary<string, Rest?>();
        var seen = new HashSet<string>();
        var pending = new Stack<Rest?>(rests);
        while (pending.TryPop(out var rest))
        {
            string key = Rest.Key(rest);
            if (!seen.Add(key))
                continue;
            if (seen.Count > 5000)
                throw new InvalidOperationException("The grammar is too ambiguous for the reference.");
            if (rest is null || rest.Head is ByteRanges)
            {
                result.Add(key, rest);
                continue;
            }
            foreach (var opened in Open(rest.Head, rules))
            {
                var list = rest.Next;
                for (int i = opened.Length - 1; i >= 0; i--)
                    list = new(opened[i], list);
                pending.Push(list);
            }
        }
        return new(rules, result);
    }

    private static IEnumerable<Expression[]> Open(Expression head, RuleSet rules)
    {
        switch (head)
        {
            case NeverExpression:
                break;
            case WordsExpression words:
                foreach (byte[] word in words.Texts)
                    yield return word.Length == 0 ? [] : [new ByteRanges([.. word.Select(b => new ByteRange(b, b))])];
                break;
            case CharactersExpression characters:
                foreach (var sequence in Utf8.Sequences(characters.Set))
                    yield return [new ByteRanges(sequence)];
                break;
            case SequenceExpression sequence:
                yield return sequence.Items;
                break;
            case ChoiceExpression choice:
                foreach (var option in choice.Options)
                    yield return [option];
                break;
            case RepeatExpression repeat:
                if (repeat.Min == 0)
                    yield return [];
                int min = Math.Max(0, repeat.Min - 1), max = repeat.Max < 0 ? -1 : repeat.Max - 1;
                if (max == 0)
                    yield return [repeat.Body];
                else if (repeat.Separator is null)
                    yield return [repeat.Body, new RepeatExpression(repeat.Body, min, max, null)];
                else if (min == 0)
                    yield return [repeat.Body];
                if (max != 0 && repeat.Separator is not null)
                    yield return [repeat.Body, repeat.Separator, new RepeatExpression(repeat.Body, Math.Max(1, min), max, repeat.Separator)];
                break;
            case CallExpression call:
                yield return [rules.Rules[call.Rule]];
                break;
            case AnyOrderExpression order:
                foreach (var opened in OpenAnyOrder(order, 0, first: true))
                    yield return opened;
                break;
            case AnyOrderRest rest:
                foreach (var opened in OpenAnyOrder(rest.Order, rest.Taken, first: false))
                    yield return opened;
                break;
            case OrderedExpression order:
                foreach (var opened in OpenOrdered(order, 0, 0))
                    yield return opened;
                break;
            case OrderedRest rest:
                foreach (var opened in OpenOrdered(rest.Order, rest.At, rest.Count))
                    yield return opened;
                break;
            case AutomatonExpression automaton:
                yield return [new AutomatonRest(automaton, 0)];
                break;
            case AutomatonRest rest:
                var state = rest.Automaton.Automaton.States[rest.At];
                if (state.Accepts)
                    yield return [];
                foreach (var (set, target) in state.Edges)
                    yield return [rest.Automaton.Spelling(set), new AutomatonRest(rest.Automaton, target)];
                break;
            default:
                throw new NotSupportedException(head.GetType().Name);
        }
    }

    private static IEnumerable<Expression[]> OpenAnyOrder(AnyOrderExpression order, ulong taken, bool first)
    {
        if ((taken & order.Required) == order.Required)
            yield return [];
        for (int i = 0; i < order.Items.Length; i++)
        {
            if ((taken >> i & 1) == 0)
                yield return [first ? Expression.Empty : order.Separator, order.Items[i], new AnyOrderRest(order, taken | 1UL << i)];
        }
        if (order.Others is { } others)
            yield return [first ? Expression.Empty : order.Separator, others, new AnyOrderRest(order, taken)];
    }

    private static IEnumerable<Expression[]> OpenOrdered(OrderedExpression order, int at, int count)
    {
        if (order.Items.Skip(at).All(item => !item.Required) && count >= order.Min)
            yield return [];
        if (order.Max >= 0 && count >= order.Max)
            yield break;
        var separator = count == 0 ? Expression.Empty : order.Separator;
        for (int i = at; i < order.Items.Length; i++)
        {
            if (CanBeCompleted(order, i + 1, count + 1))
                yield return [separator, order.Items[i].Item, new OrderedRest(order, i + 1, count + 1)];
            if (order.Items[i].Required)
                yield break;
        }
        if (order.Others is { } others)
            yield return [separator, others, new OrderedRest(order, order.Items.Length, order.Max < 0 ? Math.Min(count + 1, order.Min + 1) : count + 1)];
    }

    private static bool CanBeCompleted(OrderedExpression order, int at, int count) =>
        (order.Max < 0 || count + order.Items.Skip(at).Count(item => item.Required) <= order.Max)
        && (order.Others is not null || count + order.Items.Length - at >= order.Min);

    private sealed class ByteRanges(ByteRange[] ranges) : Expression
    {
        public ByteRange[] Ranges => ranges;
    }

    private sealed class AnyOrderRest(AnyOrderExpression order, ulong taken) : Expression
    {
        public AnyOrderExpression Order => order;

        public ulong Taken => taken;
    }

    private sealed class OrderedRest(OrderedExpression order, int at, int count) : Expression
    {
        public OrderedExpression Order => order;

        public int At => at;

        public int Count => count;
    }

    private sealed class AutomatonRest(AutomatonExpression automaton, int at) : Expression
    {
        public AutomatonExpression Automaton => automaton;

        public int At => at;
    }

    private sealed record Rest(Expression Head, Rest? Next)
    {
        private static readonly ConditionalWeakTable<Expression, StrongBox<int>> Numbers = [];
        private static int _numbered;

        // Expressions that are made on the way are the same where they say the same.
        public static string Key(Rest? rest)
        {
            var key = new StringBuilder();
            for (; rest is not null; rest = rest.Next)
            {
                key.Append(CultureInfo.InvariantCulture, $"{Name(rest.Head)};");
            }
            return key.ToString();
        }

        private static string Name(Expression expression) => expression switch
        {
            ByteRanges bytes => string.Join(',', bytes.Ranges.Select(range => $"{range.From}-{range.To}")),
            AnyOrderRest rest => $"any{Number(rest.Order)}:{rest.Taken}",
            OrderedRest rest => $"in{Number(rest.Order)}:{rest.At}:{rest.Count}",
            AutomatonRest rest => $"fa{Number(rest.Automaton)}:{rest.At}",
            RepeatExpression repeat => $"rep{Number(repeat.Body)}:{repeat.Min}:{repeat.Max}:{(repeat.Separator is { } separator ? Number(separator) : "")}",
            _ => Number(expression),
        };

        private static string Number(Expression expression) =>
            Numbers.GetValue(expression, static _ => new(Interlocked.Increment(ref _numbered))).Value.ToString(CultureInfo.InvariantCulture);
    }
}
