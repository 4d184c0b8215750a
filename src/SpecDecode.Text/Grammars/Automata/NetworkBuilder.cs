using SpecDecode.Grammars.Expressions;

namespace SpecDecode.Grammars.Automata;

/// <summary>Builds the network of a grammar's rules.</summary>
internal sealed partial class NetworkBuilder
{
    /// <summary>The most places and edges of a network.</summary>
    public const int MaxSize = 1 << 21;

    // Repetitions up to this size are written out; longer ones count in a register.
    private const int WrittenOut = 48;
    private const int SmallRule = 16;
    private const int MaxDepth = 40;

    private readonly RuleSet _set;
    private readonly List<Expression> _rules;
    private readonly List<Place> _nodes = [];
    private readonly List<NetworkRule> _built = [];
    private readonly List<CountedLoop> _loops = [];
    private readonly Dictionary<(int Target, ByteRange Range), int> _suffixes = [];
    private int _size;
    private int _depth;

    // The loop that the register counts where nodes are made now; -1 for none, -2 for other use of the register.
    private int _loop = -1;

    private NetworkBuilder(RuleSet set)
    {
        _set = set;
        _rules = [.. set.Rules];
    }

    /// <summary>Builds the network.</summary>
    /// <param name="rules">The rules; the first one is the whole text.</param>
    /// <exception cref="GrammarException">No text fits, or the network would be too large.</exception>
    public static RuleNetwork Build(IReadOnlyList<Expression> rules)
    {
        var builder = new NetworkBuilder(new RuleSet(rules));
        // Rules are added while others are built.
        for (int i = 0; i < builder._rules.Count; i++)
            builder.BuildRule(i < builder._set.Rules.Count && builder._set.Calls(i) == 0 && i > 0 ? Expression.Never : builder._rules[i]);
        return new(
            [.. builder._nodes.Select(node => new NetworkNode([.. node.Bytes], [.. node.Free], [.. node.Calls], Math.Max(-1, node.Loop), node.IsEnd))],
            [.. builder._built], [.. builder._loops]);
    }

    private void BuildRule(Expression expression)
    {
        _loop = -1;
        int start = Node(), end = Node();
        Build(expression, start, end);
        _nodes[end].IsEnd = true;
        _built.Add(new(start, _set.CanBeEmpty(expression)));
    }

    // Nothing that is built leads back to the place where it begins, so places may be shared by what begins there.
    private void Build(Expression expression, int from, int to)
    {
        switch (expression)
        {
            case NeverExpression:
                break;
            case WordsExpression words:
                BuildWords(words.Texts, from, to);
                break;
            case CharactersExpression characters:
                BuildCharacters(characters, from, to);
                break;
            case SequenceExpression sequence:
                BuildSequence(sequence.Items, from, to);
                break;
            case ChoiceExpression choice:
                foreach (var option in choice.Options)
                    Build(option, from, to);
                break;
            case RepeatExpression repeat:
                BuildRepeat(repeat, from, to);
                break;
            case CallExpression call when IsWrittenOut(call.Rule):
                _depth++;
                Build(_rules[call.Rule], from, to);
                _depth--;
                break;
            case CallExpression call:
                Call(from, call.Rule, to);
                break;
            case AnyOrderExpression order:
                BuildAnyOrder(order, from, to);
                break;
            case OrderedExpression order:
                BuildOrdered(order, from, to);
                break;
            case AutomatonExpression automaton:
                BuildAutomaton(automaton, from, to);
                break;
            default:
                throw new NotSupportedException(expression.GetType().Name);
        }
    }

    private void BuildSequence(Expression[] items, int from, int to)
    {
        if (items.Length == 0)
            Free(from, to);
        for (int i = 0; i < items.Length; i++)
        {
            int next = i == items.Length - 1 ? to : Node();
            Build(items[i], from, next);
            from = next;
        }
    }

    // Words share their beginnings.
    private void BuildWords(byte[][] words, int from, int to)
    {
        var sorted = words.OrderBy(word => word, Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b))).ToArray();
        var path = new List<int> { from };
        byte[] last = [];
        foreach (var word in sorted)
        {
            if (word.Length == 0)
            {
                Free(from, to);
                continue;
            }
            int shared = Math.Min(last.AsSpan().CommonPrefixLength(word), word.Length - 1);
            path.RemoveRange(Math.Min(path.Count, shared + 1), path.Count - Math.Min(path.Count, shared + 1));
            for (int i = path.Count - 1; i < word.Length - 1; i++)
            {
                int next = Node();
                Byte(path[^1], new(word[i], word[i]), next);
                path.Add(next);
            }
            Byte(path[^1], new(word[^1], word[^1]), to);
            last = word;
        }
    }

    private void BuildCharacters(CharactersExpression characters, int from, int to)
    {
        foreach (var sequence in Utf8.Sequences(characters.Set))
        {
            // From the last byte backwards, so that equal ends are one.
            int target = to;
            for (int i = sequence.Length - 1; i > 0; i--)
            {
                if (!_suffixes.TryGetValue((target, sequence[i]), out int before) || _nodes[before].Loop != _loop)
                {
                    before = Node();
                    Byte(before, sequence[i], target);
                    _suffixes[(target, sequence[i])] = before;
                }
                target = before;
            }
            Byte(from, sequence[0], target);
        }
    }

    private void BuildRepeat(RepeatExpression repeat, int from, int to)
    {
        var (body, min, max) = (repeat.Body, repeat.Min, repeat.Max);
        var separator = repeat.Separator ?? Expression.Empty;
        if (max == Expression.Unbounded && min <= 1)
        {
            int first = Node(), last = Node();
            if (min == 0)
                Free(from, to);
            Free(from, first);
            Build(body, first, last);
            Build(separator, last, first);
            Free(last, to);
            return;
        }
        if (max == 1)
        {
            Free(from, to);
            Build(body, from, to);
            return;
        }
        if (SizeOf(repeat, WrittenOut) <= WrittenOut && max != Expression.Unbounded)
        {
            BuildWrittenOut(repeat, from, to);
            return;
        }
        if (_loop != -1)
        {
            // The register is in use here, so this becomes a rule with one of its own.
            Call(from, Rule(repeat), to);
            return;
        }
        if (repeat.Separator is null && _set.CanBeEmpty(body))
        {
            body = _set.NotEmpty(body);
            min = 0;
        }
        _loops.Add(new(min, max));
        _loop = _loops.Count - 1;
        int start = Node(), end = Node(), counted = Node(), again = Node();
        if (min == 0)
            Free(from, to);
        Free(from, start, RegisterAction.Reset);
        Build(body, start, end);
        Free(end, counted, RegisterAction.Count, (ulong)Math.Max(min, max));
        Free(counted, again, max == Expression.Unbounded ? RegisterAction.None : RegisterAction.Below, (ulong)Math.Max(0, max));
        Build(separator, again, start);
        _loop = -1;
        Free(counted, to, RegisterAction.AtLeast, (ulong)min);
    }

    private void BuildWrittenOut(RepeatExpression repeat, int from, int to)
    {
        if (repeat.Min == 0)
            Free(from, to);
        for (int i = 1; i <= repeat.Max; i++)
        {
            if (i > 1 && repeat.Separator is { } separator)
            {
                int behind = Node();
                Build(separator, from, behind);
                from = behind;
            }
            int next = i == repeat.Max ? to : Node();
            Build(repeat.Body, from, next);
            if (next != to && i >= repeat.Min)
                Free(next, to);
            from = next;
        }
    }

    private void BuildAutomaton(AutomatonExpression expression, int from, int to)
    {
        var states = expression.Automaton.States;
        int[] places = [.. states.Select(_ => Node())];
        Free(from, places[0]);
        for (int i = 0; i < states.Count; i++)
        {
            foreach (var (set, target) in states[i].Edges)
                Build(expression.Spelling(set), places[i], places[target]);
            if (states[i].Accepts)
                Free(places[i], to);
        }
    }

    // A rule that is called once, or that is small and calls none, is a part of its caller, so that less depends on what lies below.
    private bool IsWrittenOut(int rule) => rule != 0 && _depth < MaxDepth && _set.Calls(rule) switch
    {
        1 => true,
        _ => _set.IsLeaf(rule) && SizeOf(_rules[rule], SmallRule) <= SmallRule,
    };

    private int Rule(Expression expression)
    {
        _rules.Add(expression);
        return _rules.Count - 1;
    }

    // Roughly how many places an expression takes, no further than it matters.
    private static long SizeOf(Expression expression, long enough) => Math.Min(enough + 1, expression switch
    {
        WordsExpression words => words.Texts.Sum(word => (long)word.Length),
        CharactersExpression characters => characters.Set.Bounds.Length > 4 || !characters.Set.Contains('a') ? 2 : 1,
        SequenceExpression sequence => Sum(sequence.Items, enough),
        ChoiceExpression choice => Sum(choice.Options, enough),
        RepeatExpression repeat => (SizeOf(repeat.Body, enough) + (repeat.Separator is { } separator ? SizeOf(separator, enough) : 0))
            * Math.Max(1, Math.Max(repeat.Min, repeat.Max)),
        CallExpression => 1,
        _ => enough + 1,
    });

    private static long Sum(Expression[] items, long enough)
    {
        long sum = 0;
        for (int i = 0; i < items.Length && sum <= enough; i++)
            sum += SizeOf(items[i], enough);
        return sum;
    }

    private int Node()
    {
        Grow();
        _nodes.Add(new Place(_loop));
        return _nodes.Count - 1;
    }

    private void Byte(int from, ByteRange range, int to)
    {
        Grow();
        _nodes[from].Bytes.Add(new(range.From, range.To, to));
    }

    private void Free(int from, int to, RegisterAction action = RegisterAction.None, ulong bound = 0)
    {
        Grow();
        _nodes[from].Free.Add(new(action, bound, to));
    }

    private void Call(int from, int rule, int to)
    {
        Grow();
        _nodes[from].Calls.Add(new(rule, to));
    }

    private void Grow()
    {
        if (++_size > MaxSize)
            throw new GrammarException($"The grammar becomes an automaton of more than {MaxSize} places and edges; make its repetitions or its choices smaller.");
    }

    private sealed class Place(int loop)
    {
        public int Loop { get; } = loop;

        public bool IsEnd { get; set; }

        public List<ByteEdge> Bytes { get; } = [];

        public List<FreeEdge> Free { get; } = [];

        public List<CallEdge> Calls { get; } = [];
    }
}
