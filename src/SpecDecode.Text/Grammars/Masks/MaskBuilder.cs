using SpecDecode.Grammars.Automata;

namespace SpecDecode.Grammars.Masks;

/// <summary>
/// Finds the tokens that may follow a state by walking the trie of the vocabulary: beginnings that tokens share are gone through
/// once, what begins with bytes that may not follow is passed over, and so is what goes on with bytes that all may, as within a text. Not thread-safe: one for each text.
/// </summary>
internal sealed class MaskBuilder(GrammarMachine machine, TokenTrie trie)
{
    /// <summary>The most items that may be looked at for one mask.</summary>
    public const long MaxWork = 20_000_000;

    // Longer tokens are looked at in the state itself where its outline has counters that are no longer exact.
    private const int MostReach = 20;

    private readonly GrammarState[] _path = new GrammarState[trie.Depth + 1];
    private readonly bool[] _left = new bool[trie.Depth + 1];
    private readonly int[] _nodes = new int[trie.Depth + 1];

    /// <summary>How far from its bounds a counter does not matter, in bytes.</summary>
    public int Reach { get; } = Math.Min(MostReach, trie.Depth);

    /// <summary>The mask of a state's outline.</summary>
    /// <param name="outline">The outline.</param>
    /// <param name="bits">Room for the bits; receives them.</param>
    /// <exception cref="GrammarException">It takes too long.</exception>
    public TokenMask Build(GrammarState outline, Span<ulong> bits)
    {
        bits.Clear();
        var open = new List<int>();
        long limit = machine.Work + MaxWork;
        int reach = outline.Counts ? Reach : int.MaxValue;
        _path[0] = outline;
        _left[0] = false;
        var nodes = trie.Nodes;
        for (int i = 0; i < nodes.Length;)
        {
            ref readonly var node = ref nodes[i];
            int depth = node.Depth;
            if (depth > reach)
            {
                open.Add(i);
                i = node.End;
                continue;
            }
            var next = machine.Step(_path[depth - 1], node.Byte);
            if (next == GrammarState.Dead)
            {
                if (_left[depth - 1])
                    open.Add(i);
                i = node.End;
                continue;
            }
            if (machine.Work > limit)
                throw new GrammarException("The tokens that may follow take too long to find: the grammar can be read in too many ways. Make its choices differ earlier.");
            _path[depth] = next;
            _left[depth] = _left[depth - 1] || next.Leaves;
            Allow(trie.TokensOf(i), bits);
            if (node.Crown >= 0 && trie.Crowns[node.Crown] is var crown && depth + crown.Height <= reach && EvenBytes.AllFollow(machine, next, crown.Bytes, crown.Height, limit))
            {
                Allow(trie.TokensBelow(i), bits);
                i = node.End;
                continue;
            }
            i++;
        }
        return new(bits, [.. open]);
    }

    /// <summary>Adds the tokens that begin with some nodes, as far as they may follow.</summary>
    /// <param name="state">The state itself.</param>
    /// <param name="open">The nodes, in ascending order, none below another one.</param>
    /// <param name="bits">Receives the bits.</param>
    public void Add(GrammarState state, ReadOnlySpan<int> open, Span<ulong> bits)
    {
        _path[0] = state;
        int known = 0;
        foreach (int root in open)
        {
            int depth = trie.Nodes[root].Depth;
            known = Lead(root, depth, Math.Min(known, depth - 1));
            if (known < depth - 1)
                continue;
            int end = trie.Nodes[root].End;
            for (int node = root; node < end;)
            {
                depth = trie.Nodes[node].Depth;
                var next = machine.Step(_path[depth - 1], trie.Nodes[node].Byte);
                if (next == GrammarState.Dead)
                {
                    node = trie.Nodes[node].End;
                    continue;
                }
                _path[depth] = next;
                Allow(trie.TokensOf(node), bits);
                node++;
            }
        }
    }

    // Goes to the parent of a node, from where the way to the last one parts from it; returns how far that way led.
    private int Lead(int root, int depth, int known)
    {
        int shared = -1;
        for (int node = trie.Parents[root], at = depth - 1; at > 0; node = trie.Parents[node], at--)
        {
            if (at <= known && _nodes[at] == node)
            {
                shared = at;
                break;
            }
            _nodes[at] = node;
        }
        for (int at = Math.Max(0, shared) + 1; at < depth; at++)
        {
            var next = machine.Step(_path[at - 1], trie.Nodes[_nodes[at]].Byte);
            if (next == GrammarState.Dead)
                return at - 1;
            _path[at] = next;
        }
        return depth - 1;
    }

    private static void Allow(ReadOnlySpan<int> tokens, Span<ulong> bits)
    {
        foreach (int token in tokens)
            bits[token >> 6] |= 1UL << token;
    }
}
