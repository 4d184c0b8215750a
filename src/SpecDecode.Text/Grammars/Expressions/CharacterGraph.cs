using System.Text;
using SpecDecode.Tokenizers.Patterns;

namespace SpecDecode.Grammars.Expressions;

/// <summary>An expression as a graph over characters, in which several edges may be followed at once.</summary>
internal sealed class CharacterGraph
{
    private const int MaxNodes = 100_000;

    private readonly List<List<(CodePointSet Set, int Target)>> _edges = [];
    private readonly List<List<int>> _free = [];

    private CharacterGraph()
    {
    }

    public int Start { get; private init; }

    public int End { get; private init; }

    /// <summary>The graph of an expression without rules.</summary>
    /// <exception cref="GrammarException">It is too large.</exception>
    public static CharacterGraph Of(Expression expression)
    {
        var graph = new CharacterGraph { Start = 0, End = 1 };
        graph.Node();
        graph.Node();
        graph.Build(expression, 0, 1);
        return graph;
    }

    public IEnumerable<(CodePointSet Set, int Target)> EdgesOf(int node) => _edges[node];

    /// <summary>Nodes with all that are reached without a character, sorted.</summary>
    /// <param name="nodes">The nodes.</param>
    /// <param name="work">Grows by how many were gone through.</param>
    public int[] Close(IEnumerable<int> nodes, ref int work)
    {
        var seen = new SortedSet<int>();
        var pending = new Stack<int>(nodes);
        while (pending.TryPop(out int node))
        {
            work++;
            if (seen.Add(node))
                _free[node].ForEach(pending.Push);
        }
        return [.. seen.Where(node => _edges[node].Count > 0 || node == End)];
    }

    private void Build(Expression expression, int from, int to)
    {
        switch (expression)
        {
            case NeverExpression:
                break;
            case WordsExpression words:
                foreach (byte[] word in words.Texts)
                    BuildWord(Encoding.UTF8.GetString(word), from, to);
                break;
            case CharactersExpression characters:
                _edges[from].Add((characters.Set, to));
                break;
            case SequenceExpression sequence:
                for (int i = 0; i < sequence.Items.Length; i++)
                {
                    int next = Node();
                    Build(sequence.Items[i], from, next);
                    from = next;
                }
                _free[from].Add(to);
                break;
            case ChoiceExpression choice:
                foreach (var option in choice.Options)
                    Build(option, from, to);
                break;
            case RepeatExpression { Separator: null } repeat:
                BuildRepeat(repeat, from, to);
                break;
            default:
                throw new NotSupportedException(expression.GetType().Name);
        }
    }

    private void BuildWord(string word, int from, int to)
    {
        foreach (var rune in word.EnumerateRunes())
        {
            int next = Node();
            _edges[from].Add((CodePointSet.Of(rune.Value), next));
            from = next;
        }
        _free[from].Add(to);
    }

    private void BuildRepeat(RepeatExpression repeat, int from, int to)
    {
        for (int i = 0; i < repeat.Min; i++)
        {
            int next = Node();
            Build(repeat.Body, from, next);
            from = next;
        }
        if (repeat.Max == Expression.Unbounded)
        {
            int loop = Node();
            _free[from].Add(loop);
            Build(repeat.Body, loop, loop);
            _free[loop].Add(to);
            return;
        }
        _free[from].Add(to);
        for (int i = repeat.Min; i < repeat.Max; i++)
        {
            int next = Node();
            Build(repeat.Body, from, next);
            _free[next].Add(to);
            from = next;
        }
    }

    private int Node()
    {
        if (_edges.Count == MaxNodes)
            throw new GrammarException("A pattern that holds together with others is too large; make it or its repetitions smaller.");
        _edges.Add([]);
        _free.Add([]);
        return _edges.Count - 1;
    }
}
