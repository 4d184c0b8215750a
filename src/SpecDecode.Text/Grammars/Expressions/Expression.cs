using System.Text;
using SpecDecode.Tokenizers.Patterns;

namespace SpecDecode.Grammars.Expressions;

/// <summary>
/// A set of texts, as a tree: what schemas, regular expressions and grammars are turned into, and automata are built from.
/// Immutable. The factories keep trees small: what matches nothing takes what it is part of along.
/// </summary>
internal abstract class Expression
{
    /// <summary>No text at all.</summary>
    public static Expression Never { get; } = new NeverExpression();

    /// <summary>The empty text alone.</summary>
    public static Expression Empty { get; } = new SequenceExpression([]);

    /// <summary>The most repetitions that stand for "any number".</summary>
    public const int Unbounded = -1;

    /// <summary>This text alone.</summary>
    public static Expression Text(string text) => text.Length == 0 ? Empty : new WordsExpression([Encoding.UTF8.GetBytes(text)]);

    /// <summary>These texts.</summary>
    public static Expression Words(IEnumerable<string> texts)
    {
        byte[][] words = [.. texts.Distinct().Select(Encoding.UTF8.GetBytes)];
        return words.Length == 0 ? Never : new WordsExpression(words);
    }

    /// <summary>One character of a set. Surrogates are no characters.</summary>
    public static Expression Characters(CodePointSet set)
    {
        set = set.Intersect(Utf8.Characters);
        return set.IsEmpty ? Never : new CharactersExpression(set);
    }

    /// <summary>One after the other.</summary>
    public static Expression Sequence(params IReadOnlyList<Expression> items)
    {
        if (items.Contains(Never))
            return Never;
        if (items.Count == 1)
            return items[0];
        var flat = new List<Expression>(items.Count);
        foreach (var item in items)
        {
            if (item is SequenceExpression inner)
                flat.AddRange(inner.Items);
            else
                flat.Add(item);
        }
        return flat.Count switch { 0 => Empty, 1 => flat[0], _ => new SequenceExpression([.. flat]) };
    }

    /// <summary>Any one of these.</summary>
    public static Expression Choice(params IReadOnlyList<Expression> options)
    {
        Expression[] possible = [.. options.Where(option => option != Never)];
        byte[][] words = [.. possible.OfType<WordsExpression>().SelectMany(option => option.Texts)];
        if (words.Length > 1)
            possible = [.. possible.Where(option => option is not WordsExpression), new WordsExpression(words)];
        return possible.Length switch { 0 => Never, 1 => possible[0], _ => new ChoiceExpression(possible) };
    }

    /// <summary>It or nothing.</summary>
    public static Expression Optional(Expression body) => Repeat(body, 0, 1);

    /// <summary>A number of times.</summary>
    /// <param name="body">What is repeated.</param>
    /// <param name="min">How often at least.</param>
    /// <param name="max">How often at most, or <see cref="Unbounded"/>.</param>
    /// <param name="separator">What stands between two of them; null for nothing.</param>
    public static Expression Repeat(Expression body, int min, int max, Expression? separator = null)
    {
        if (separator is SequenceExpression { Items.Length: 0 })
            separator = null;
        if (max != Unbounded && max < min)
            return Never;
        if (max == 0 || (min == 0 && body == Never))
            return Empty;
        if (body == Never || (min == 1 && max == 1) || (separator is null && body is SequenceExpression { Items.Length: 0 }))
            return body;
        if (separator == Never)
            return min > 1 ? Never : Repeat(body, min, 1);
        return new RepeatExpression(body, min, max, separator);
    }

    /// <summary>What a rule of the grammar stands for.</summary>
    public static Expression Call(int rule) => new CallExpression(rule);
}

/// <summary>Nothing.</summary>
internal sealed class NeverExpression : Expression;

/// <summary>Texts that are written out, in UTF-8; one of them may be empty.</summary>
internal sealed class WordsExpression(byte[][] words) : Expression
{
    public byte[][] Texts { get; } = words;
}

/// <summary>One character.</summary>
internal sealed class CharactersExpression(CodePointSet set) : Expression
{
    public CodePointSet Set { get; } = set;
}

/// <summary>One after the other; of none, the empty text.</summary>
internal sealed class SequenceExpression(Expression[] items) : Expression
{
    public Expression[] Items { get; } = items;
}

/// <summary>Any one of them.</summary>
internal sealed class ChoiceExpression(Expression[] options) : Expression
{
    public Expression[] Options { get; } = options;
}

/// <summary>A number of times.</summary>
internal sealed class RepeatExpression(Expression body, int min, int max, Expression? separator) : Expression
{
    public Expression Body { get; } = body;

    /// <summary>What stands between two of them; null for nothing.</summary>
    public Expression? Separator { get; } = separator;

    public int Min { get; } = min;

    public int Max { get; } = max;
}

/// <summary>What a rule stands for.</summary>
internal sealed class CallExpression(int rule) : Expression
{
    public int Rule { get; } = rule;
}

/// <summary>
/// Items in any order, each at most once, and some of them at least once, with something between them: the members of an object
/// whose order is free.
/// </summary>
internal sealed class AnyOrderExpression(Expression[] items, ulong required, Expression separator, Expression? others) : Expression
{
    public const int MaxItems = 48;

    /// <summary>The items, at most <see cref="MaxItems"/>.</summary>
    public Expression[] Items { get; } = items;

    /// <summary>A bit for each item that must be there.</summary>
    public ulong Required { get; } = required;

    public Expression Separator { get; } = separator;

    /// <summary>What else there may be, any number of times; null for nothing.</summary>
    public Expression? Others { get; } = others;
}

/// <summary>Items in their order, of which some may be left out, with something between them; how many there are may be bounded.</summary>
internal sealed class OrderedExpression((Expression Item, bool Required)[] items, Expression separator, Expression? others, int min, int max)
    : Expression
{
    public (Expression Item, bool Required)[] Items { get; } = items;

    public Expression Separator { get; } = separator;

    /// <summary>What else there may be behind them, any number of times; null for nothing.</summary>
    public Expression? Others { get; } = others;

    public int Min { get; } = min;

    /// <summary>How many at most, or <see cref="Expression.Unbounded"/>.</summary>
    public int Max { get; } = max;

    /// <summary>Whether they must be counted.</summary>
    public bool Counts => Max != Unbounded || Min > Items.Count(item => item.Required);
}

/// <summary>A finite automaton over characters, written as each character's expression says.</summary>
internal sealed class AutomatonExpression(CharacterAutomaton automaton, Func<CodePointSet, Expression> spelling) : Expression
{
    public CharacterAutomaton Automaton { get; } = automaton;

    /// <summary>How a character of a set is written.</summary>
    public Func<CodePointSet, Expression> Spelling { get; } = spelling;
}
