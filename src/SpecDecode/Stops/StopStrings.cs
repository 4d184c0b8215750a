namespace SpecDecode.Stops;

/// <summary>
/// The stop strings of a request as one automaton over UTF-16 units (Aho and Corasick, 1975): a state is the longest end of the text that a stop string
/// begins with, so it says what of a text may not be given out yet. Immutable; safe for concurrent use.
/// </summary>
internal sealed class StopStrings
{
    /// <summary>Most units of all stop strings together.</summary>
    public const int MaxUnits = 1 << 16;

    // A state's edges, by state and unit.
    private readonly Dictionary<long, int> _edges = [];
    private readonly List<State> _states = [new State(0, 0, null)];

    /// <summary>Makes the automaton.</summary>
    /// <param name="strings">The stop strings: at least one, none of them empty, together at most <see cref="MaxUnits"/>.</param>
    public StopStrings(IEnumerable<string> strings)
    {
        foreach (string text in strings)
        {
            Insert(text);
        }

        Link();
    }

    /// <summary>The state of a text that has nothing of a stop string at its end.</summary>
    public static int Start => 0;

    /// <summary>The state behind another unit.</summary>
    /// <param name="state">The state before it.</param>
    /// <param name="unit">The unit.</param>
    public int Next(int state, char unit)
    {
        int next;
        while (!_edges.TryGetValue(Key(state, unit), out next))
        {
            if (state == Start)
            {
                return Start;
            }

            state = _states[state].Shorter;
        }

        return next;
    }

    /// <summary>How many of the last units a stop string begins with.</summary>
    public int Pending(int state) => _states[state].Depth;

    /// <summary>The longest stop string that the text ends with; null where there is none.</summary>
    public string? Found(int state) => _states[state].Found;

    private static long Key(int state, char unit) => ((long)state << 16) | unit;

    private void Insert(string text)
    {
        int state = Start;
        foreach (char unit in text)
        {
            if (!_edges.TryGetValue(Key(state, unit), out int next))
            {
                next = _states.Count;
                _states.Add(new State(_states[state].Depth + 1, Start, null));
                _edges.Add(Key(state, unit), next);
            }

            state = next;
        }

        _states[state] = _states[state] with { Found = text };
    }

    // Breadth first: what a state falls back to is shorter, so it is done already.
    private void Link()
    {
        foreach ((long key, int state) in _edges.OrderBy(edge => _states[edge.Value].Depth).ToList())
        {
            int parent = (int)(key >> 16);
            int shorter = parent == Start ? Start : Next(_states[parent].Shorter, (char)(key & 0xFFFF));
            _states[state] = _states[state] with { Shorter = shorter, Found = _states[state].Found ?? _states[shorter].Found };
        }
    }

    /// <summary>A beginning of a stop string.</summary>
    /// <param name="Depth">Its units.</param>
    /// <param name="Shorter">The longest shorter beginning that it ends with.</param>
    /// <param name="Found">The longest stop string that it ends with; null where there is none.</param>
    private readonly record struct State(int Depth, int Shorter, string? Found);
}
