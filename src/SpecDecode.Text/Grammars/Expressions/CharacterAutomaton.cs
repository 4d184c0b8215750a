using SpecDecode.Tokenizers.Patterns;

namespace SpecDecode.Grammars.Expressions;

/// <summary>A state of a finite automaton over characters: where characters lead, each to one state at most.</summary>
internal sealed record AutomatonState(IReadOnlyList<(CodePointSet Set, int Target)> Edges, bool Accepts);

/// <summary>
/// A deterministic finite automaton over characters, for what trees cannot say: what is in two sets of texts at once, or not in one.
/// Immutable. The first state is where texts begin; from each state one that accepts can be reached, unless there is none at all.
/// </summary>
internal sealed class CharacterAutomaton
{
    /// <summary>The most states of an automaton.</summary>
    public const int MaxStates = 20_000;

    // The most edges that may be looked at for one automaton.
    private const int MaxWork = 4_000_000;

    private CharacterAutomaton(IReadOnlyList<AutomatonState> states) => States = states;

    public IReadOnlyList<AutomatonState> States { get; }

    /// <summary>Whether no text is accepted.</summary>
    public bool IsEmpty => !States.Any(state => state.Accepts);

    /// <summary>All texts.</summary>
    public static CharacterAutomaton Any { get; } = new([new([(Utf8.Characters, 0)], true)]);

    /// <summary>The automaton of an expression without rules.</summary>
    /// <exception cref="GrammarException">It would have too many states.</exception>
    public static CharacterAutomaton Of(Expression expression)
    {
        var graph = CharacterGraph.Of(expression);
        var ids = new Dictionary<string, int>();
        var sets = new List<int[]>();
        int work = 0;
        int Enter(IEnumerable<int> nodes)
        {
            int[] closed = graph.Close(nodes, ref work);
            Check(sets.Count, work);
            string key = string.Join(',', closed);
            if (ids.TryGetValue(key, out int id))
                return id;
            ids.Add(key, sets.Count);
            sets.Add(closed);
            return sets.Count - 1;
        }

        Enter([graph.Start]);
        var states = new List<AutomatonState>();
        for (int i = 0; i < sets.Count; i++)
        {
            var edges = sets[i].SelectMany(node => graph.EdgesOf(node)).ToList();
            var parts = Partition(edges, ref work);
            states.Add(new([.. parts.Select(part => (part.Set, Enter(part.Targets)))], sets[i].Contains(graph.End)));
            Check(sets.Count, work);
        }
        return new CharacterAutomaton(states).Trim();
    }

    /// <summary>An automaton that is given by what its states are.</summary>
    /// <param name="start">What the first state is.</param>
    /// <param name="next">Where the digits, or other characters, of a state lead.</param>
    /// <param name="accepts">Whether a state accepts.</param>
    public static CharacterAutomaton Explore<T>(T start, Func<T, IEnumerable<(char Character, T Target)>> next, Func<T, bool> accepts)
        where T : notnull
    {
        var ids = new Dictionary<T, int> { [start] = 0 };
        var order = new List<T> { start };
        var states = new List<AutomatonState>();
        for (int i = 0; i < order.Count; i++)
        {
            var edges = new Dictionary<int, List<int>>();
            foreach (var (character, target) in next(order[i]))
            {
                if (!ids.TryGetValue(target, out int id))
                {
                    ids.Add(target, id = order.Count);
                    order.Add(target);
                }
                if (!edges.TryGetValue(id, out var codes))
                    edges.Add(id, codes = []);
                codes.Add(character);
            }
            states.Add(new([.. edges.Select(edge => (CodePointSet.Of([.. edge.Value]), edge.Key))], accepts(order[i])));
            Check(order.Count, 0);
        }
        return new CharacterAutomaton(states).Trim();
    }

    /// <summary>The texts of a number of characters.</summary>
    public static CharacterAutomaton OfLength(int min, int? max)
    {
        int last = max ?? min;
        Check(last, 0);
        var states = new List<AutomatonState>();
        for (int i = 0; i <= last; i++)
        {
            int target = i < last ? i + 1 : i;
            states.Add(new(i == last && max is not null ? [] : [(Utf8.Characters, target)], i >= min));
        }
        return new(states);
    }

    /// <summary>What both accept.</summary>
    public CharacterAutomaton Intersect(CharacterAutomaton other)
    {
        var ids = new Dictionary<(int, int), int> { [(0, 0)] = 0 };
        var pairs = new List<(int A, int B)> { (0, 0) };
        var states = new List<AutomatonState>();
        int work = 0;
        for (int i = 0; i < pairs.Count; i++)
        {
            var (a, b) = (States[pairs[i].A], other.States[pairs[i].B]);
            var edges = new List<(CodePointSet, int)>();
            foreach (var (set, target) in a.Edges)
            {
                foreach (var (otherSet, otherTarget) in b.Edges)
                {
                    work += set.Bounds.Length + otherSet.Bounds.Length;
                    var both = set.Intersect(otherSet);
                    if (both.IsEmpty)
                        continue;
                    if (!ids.TryGetValue((target, otherTarget), out int id))
                    {
                        ids.Add((target, otherTarget), id = pairs.Count);
                        pairs.Add((target, otherTarget));
                    }
                    edges.Add((both, id));
                }
            }
            states.Add(new(edges, a.Accepts && b.Accepts));
            Check(pairs.Count, work);
        }
        return new CharacterAutomaton(states).Trim();
    }

    /// <summary>What this does not accept.</summary>
    public CharacterAutomaton Invert()
    {
        int sink = States.Count;
        var states = new List<AutomatonState>();
        foreach (var state in States)
        {
            var rest = Utf8.Characters.Intersect(Union(state.Edges.Select(edge => edge.Set)).Invert());
            states.Add(new(rest.IsEmpty ? state.Edges : [.. state.Edges, (rest, sink)], !state.Accepts));
        }
        states.Add(new([(Utf8.Characters, sink)], true));
        return new CharacterAutomaton(states).Trim();
    }

    /// <summary>Whether a text is accepted.</summary>
    public bool Accepts(string text)
    {
        int at = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            at = States[at].Edges.Where(edge => edge.Set.Contains(rune.Value)).Select(edge => edge.Target).FirstOrDefault(-1);
            if (at < 0)
                return false;
        }
        return States[at].Accepts;
    }

    private static CodePointSet Union(IEnumerable<CodePointSet> sets) => sets.Aggregate(CodePointSet.Empty, static (a, b) => a.Union(b));

    // Cuts the characters where edges begin and end, and joins again what leads to the same nodes.
    private static List<(CodePointSet Set, int[] Targets)> Partition(List<(CodePointSet Set, int Target)> edges, ref int work)
    {
        var cuts = new List<(int At, int Edge, bool Begins)>();
        for (int i = 0; i < edges.Count; i++)
        {
            var bounds = edges[i].Set.Bounds;
            for (int k = 0; k < bounds.Length; k++)
                cuts.Add((bounds[k], i, (k & 1) == 0));
        }
        cuts.Sort();
        var active = new SortedDictionary<int, int>();
        var parts = new Dictionary<string, (List<int> Bounds, int[] Targets)>();
        for (int i = 0; i < cuts.Count;)
        {
            int at = cuts[i].At;
            for (; i < cuts.Count && cuts[i].At == at; i++)
            {
                int target = edges[cuts[i].Edge].Target;
                int count = active.GetValueOrDefault(target) + (cuts[i].Begins ? 1 : -1);
                if (count == 0)
                    active.Remove(target);
                else
                    active[target] = count;
            }
            work += active.Count + 1;
            Check(0, work);
            if (active.Count == 0)
                continue;
            int[] targets = [.. active.Keys];
            string key = string.Join(',', targets);
            if (!parts.TryGetValue(key, out var part))
                parts.Add(key, part = ([], targets));
            if (part.Bounds.Count > 0 && part.Bounds[^1] == at)
                part.Bounds[^1] = cuts[i].At;
            else
                part.Bounds.AddRange([at, cuts[i].At]);
        }
        return [.. parts.Values.Select(part => (CodePointSet.Between([.. part.Bounds]), part.Targets))];
    }

    // Leaves out states from which none that accepts can be reached.
    private CharacterAutomaton Trim()
    {
        var back = new List<int>[States.Count];
        for (int i = 0; i < back.Length; i++)
            back[i] = [];
        var live = new bool[States.Count];
        var pending = new Stack<int>();
        for (int i = 0; i < States.Count; i++)
        {
            foreach (var (_, target) in States[i].Edges)
                back[target].Add(i);
            if (States[i].Accepts)
                pending.Push(i);
        }
        while (pending.TryPop(out int at))
        {
            if (live[at])
                continue;
            live[at] = true;
            back[at].ForEach(pending.Push);
        }
        if (!live[0])
            return new([new([], false)]);
        if (Array.TrueForAll(live, static alive => alive))
            return this;
        var numbers = new int[States.Count];
        int count = 0;
        for (int i = 0; i < live.Length; i++)
            numbers[i] = live[i] ? count++ : -1;
        return new([.. States.Where((_, i) => live[i]).Select(state =>
            new AutomatonState([.. state.Edges.Where(edge => live[edge.Target]).Select(edge => (edge.Set, numbers[edge.Target]))], state.Accepts))]);
    }

    private static void Check(int states, int work)
    {
        if (states > MaxStates || work > MaxWork)
            throw new GrammarException($"Patterns, lengths and names that hold at once need an automaton of more than {MaxStates} states; make them simpler or their bounds smaller.");
    }
}
