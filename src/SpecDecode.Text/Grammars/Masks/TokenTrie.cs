namespace SpecDecode.Grammars.Masks;

/// <summary>
/// The bytes of a vocabulary's tokens as a tree, laid out so that a walk reads memory forwards: a node, then all that begins with it,
/// then its next sibling. Immutable.
/// </summary>
internal sealed class TokenTrie
{
    private readonly TokenNode[] _nodes;
    private readonly int[] _parents;
    private readonly int[] _tokens;
    private readonly TokenCrown[] _crowns;

    /// <param name="tokens">The bytes of each token, by id; null or empty for those that have none.</param>
    public TokenTrie(IReadOnlyList<byte[]?> tokens)
    {
        _tokens = [.. Enumerable.Range(0, tokens.Count).Where(id => tokens[id] is { Length: > 0 })];
        Array.Sort(_tokens, (a, b) => tokens[a].AsSpan().SequenceCompareTo(tokens[b]) is not 0 and var order ? order : a.CompareTo(b));
        var nodes = new List<TokenNode>();
        var parents = new List<int>();
        var path = new List<int>();
        ReadOnlySpan<byte> last = [];
        for (int i = 0; i < _tokens.Length; i++)
        {
            ReadOnlySpan<byte> text = tokens[_tokens[i]];
            int shared = last.CommonPrefixLength(text);
            Close(shared);
            for (int k = shared; k < text.Length; k++)
            {
                nodes.Add(new(text[k], k + 1, End: 0, k == text.Length - 1 ? i : -1, Crown: -1));
                parents.Add(path.Count > 0 ? path[^1] : -1);
                path.Add(nodes.Count - 1);
            }
            last = text;
            Depth = Math.Max(Depth, text.Length);
        }
        Close(0);

        // A node without tokens of its own has the range between its neighbours' that is empty. One more stands behind all, where the tokens end.
        Count = nodes.Count;
        nodes.Add(new(0, 0, Count, _tokens.Length, Crown: -1));
        _nodes = [.. nodes];
        _parents = [.. parents];
        for (int i = Count - 1; i >= 0; i--)
        {
            if (_nodes[i].FirstToken < 0)
                _nodes[i] = _nodes[i] with { FirstToken = _nodes[i + 1].FirstToken };
        }
        _crowns = TokenCrown.Find(_nodes.AsSpan(0, Count), Depth);

        void Close(int depth)
        {
            for (; path.Count > depth; path.RemoveAt(path.Count - 1))
                nodes[path[^1]] = nodes[path[^1]] with { End = nodes.Count };
        }
    }

    /// <summary>How many nodes there are; the root is none of them.</summary>
    public int Count { get; }

    /// <summary>The length of the longest token, in bytes.</summary>
    public int Depth { get; }

    /// <summary>The nodes.</summary>
    public ReadOnlySpan<TokenNode> Nodes => _nodes.AsSpan(0, Count);

    /// <summary>For each node, the one that stands for one byte less; -1 for none.</summary>
    public ReadOnlySpan<int> Parents => _parents;

    /// <summary>The crowns that nodes name.</summary>
    public ReadOnlySpan<TokenCrown> Crowns => _crowns;

    /// <summary>The tokens that a node stands for.</summary>
    public ReadOnlySpan<int> TokensOf(int node) => _tokens.AsSpan(_nodes[node].FirstToken, _nodes[node + 1].FirstToken - _nodes[node].FirstToken);

    /// <summary>The tokens that begin with a node and are longer.</summary>
    public ReadOnlySpan<int> TokensBelow(int node) => _tokens.AsSpan(_nodes[node + 1].FirstToken, _nodes[_nodes[node].End].FirstToken - _nodes[node + 1].FirstToken);

    /// <summary>The child of a node by a byte; -1 for none.</summary>
    /// <param name="node">The node; -1 for the root.</param>
    /// <param name="value">The byte.</param>
    public int Child(int node, byte value)
    {
        int end = node < 0 ? Count : _nodes[node].End;
        for (int child = node + 1; child < end; child = _nodes[child].End)
        {
            if (_nodes[child].Byte == value)
                return child;
        }
        return -1;
    }
}
