using SpecDecode.Grammars.Expressions;

namespace SpecDecode.Grammars.Automata;

/// <summary>
/// The rules of a grammar while they are made ready: what can never be completed is taken out, and which rules can be empty is
/// known.
/// </summary>
internal sealed class RuleSet
{
    private readonly Expression[] _rules;
    private readonly bool[] _productive;
    private readonly bool[] _empty;
    private readonly int[] _calls;
    private readonly bool[] _leaf;

    /// <param name="rules">The rules; the first one is the whole text.</param>
    /// <exception cref="GrammarException">No text fits.</exception>
    public RuleSet(IEnumerable<Expression> rules)
    {
        _rules = [.. rules];
        _productive = new bool[_rules.Length];
        _empty = new bool[_rules.Length];
        Settle(_productive, Productive);
        if (!_productive[0])
            throw new GrammarException("The grammar fits no text that ends: what it asks for contradicts itself or never comes to an end.");
        for (int i = 0; i < _rules.Length; i++)
            _rules[i] = Prune(_rules[i]);
        Settle(_empty, CanBeEmpty);
        _calls = new int[_rules.Length];
        _leaf = new bool[_rules.Length];
        Count();
    }

    public IReadOnlyList<Expression> Rules => _rules;

    /// <summary>How often a rule is called by those that the first one needs.</summary>
    public int Calls(int rule) => _calls[rule];

    /// <summary>Whether a rule calls no other one.</summary>
    public bool IsLeaf(int rule) => _leaf[rule];

    /// <summary>Whether an expression fits the empty text.</summary>
    public bool CanBeEmpty(Expression expression) => expression switch
    {
        NeverExpression => false,
        WordsExpression words => words.Texts.Any(word => word.Length == 0),
        CharactersExpression => false,
        SequenceExpression sequence => sequence.Items.All(CanBeEmpty),
        ChoiceExpression choice => choice.Options.Any(CanBeEmpty),
        RepeatExpression repeat => repeat.Min == 0
            || (CanBeEmpty(repeat.Body) && (repeat.Min == 1 || repeat.Separator is null || CanBeEmpty(repeat.Separator))),
        CallExpression call => _empty[call.Rule],
        AnyOrderExpression order => order.Required == 0,
        OrderedExpression order => order.Min == 0 && order.Items.All(item => !item.Required),
        AutomatonExpression automaton => automaton.Automaton.States[0].Accepts,
        _ => throw new NotSupportedException(expression.GetType().Name),
    };

    /// <summary>What fits an expression, without the empty text.</summary>
    public Expression NotEmpty(Expression expression)
    {
        if (!CanBeEmpty(expression))
            return expression;
        switch (expression)
        {
            case WordsExpression words:
                return new WordsExpression([.. words.Texts.Where(word => word.Length > 0)]);
            case SequenceExpression sequence:
                // The first item that is not empty, with what follows it.
                return Expression.Choice([.. sequence.Items.Select((item, i) =>
                    Expression.Sequence([NotEmpty(item), .. sequence.Items[(i + 1)..]]))]);
            case ChoiceExpression choice:
                return Expression.Choice([.. choice.Options.Select(NotEmpty)]);
            case RepeatExpression { Separator: null } repeat:
                int min = CanBeEmpty(repeat.Body) ? 1 : Math.Max(1, repeat.Min);
                return Expression.Repeat(NotEmpty(repeat.Body), min, repeat.Max);
            case RepeatExpression repeat when !CanBeEmpty(repeat.Body):
                return Expression.Repeat(repeat.Body, 1, repeat.Max, repeat.Separator);
            default:
                throw new GrammarException("A part that may be empty is repeated within bounds too large for it; make the part non-empty or the bounds smaller.");
        }
    }

    // Goes through the rules that the first one needs.
    private void Count()
    {
        var waiting = new Queue<int>([0]);
        var seen = new HashSet<int> { 0 };
        while (waiting.TryDequeue(out int rule))
        {
            int called = 0;
            foreach (int other in CallsIn(_rules[rule]))
            {
                called++;
                _calls[other]++;
                if (seen.Add(other))
                    waiting.Enqueue(other);
            }
            _leaf[rule] = called == 0;
        }
    }

    private static IEnumerable<int> CallsIn(Expression expression)
    {
        var pending = new Stack<Expression>([expression]);
        while (pending.TryPop(out var part))
        {
            if (part is CallExpression call)
                yield return call.Rule;
            foreach (var inner in PartsOf(part))
                pending.Push(inner);
        }
    }

    private static Expression[] PartsOf(Expression expression) => expression switch
    {
        SequenceExpression sequence => sequence.Items,
        ChoiceExpression choice => choice.Options,
        RepeatExpression repeat => repeat.Separator is { } separator ? [repeat.Body, separator] : [repeat.Body],
        AnyOrderExpression order => [.. order.Items, order.Separator, order.Others ?? Expression.Empty],
        OrderedExpression order => [.. order.Items.Select(item => item.Item), order.Separator, order.Others ?? Expression.Empty],
        _ => [],
    };

    private void Settle(bool[] known, Func<Expression, bool> holds)
    {
        for (bool changed = true; changed;)
        {
            changed = false;
            // Backwards: rules are mostly made after those that use them.
            for (int i = _rules.Length - 1; i >= 0; i--)
            {
                if (known[i] || !holds(_rules[i]))
                    continue;
                known[i] = true;
                changed = true;
            }
        }
    }

    private bool Productive(Expression expression) => expression switch
    {
        NeverExpression => false,
        SequenceExpression sequence => sequence.Items.All(Productive),
        ChoiceExpression choice => choice.Options.Any(Productive),
        RepeatExpression repeat => repeat.Min == 0
            || (Productive(repeat.Body) && (repeat.Min == 1 || repeat.Separator is null || Productive(repeat.Separator))),
        CallExpression call => _productive[call.Rule],
        AnyOrderExpression order => order.Items.Index().All(item => (order.Required >> item.Index & 1) == 0 || Productive(item.Item)),
        OrderedExpression order => Productive(order),
        _ => true,
    };

    private bool Productive(OrderedExpression order)
    {
        if (order.Items.Any(item => item.Required && !Productive(item.Item)))
            return false;
        int most = order.Others is { } others && Productive(others) ? int.MaxValue : order.Items.Count(item => Productive(item.Item));
        return most >= order.Min && (order.Max == Expression.Unbounded || order.Items.Count(item => item.Required) <= order.Max);
    }

    private Expression Prune(Expression expression)
    {
        if (!Productive(expression))
            return Expression.Never;
        switch (expression)
        {
            case SequenceExpression sequence:
                return Expression.Sequence([.. sequence.Items.Select(Prune)]);
            case ChoiceExpression choice:
                return Expression.Choice([.. choice.Options.Select(Prune)]);
            case RepeatExpression repeat:
                return Expression.Repeat(Prune(repeat.Body), repeat.Min, repeat.Max, repeat.Separator is { } separator ? Prune(separator) : null);
            case AnyOrderExpression order:
                return new AnyOrderExpression([.. order.Items.Select(Prune)], order.Required, order.Separator, Others(order.Others));
            case OrderedExpression order:
                return new OrderedExpression(
                    [.. order.Items.Select(item => (Prune(item.Item), item.Required)).Where(item => item.Item1 != Expression.Never)],
                    order.Separator, Others(order.Others), order.Min, order.Max);
            default:
                return expression;
        }

        Expression? Others(Expression? others) => others is null || Prune(others) is not { } pruned || pruned == Expression.Never ? null : pruned;
    }
}
