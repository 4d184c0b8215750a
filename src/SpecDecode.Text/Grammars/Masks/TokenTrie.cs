namespace SpecDecode.Grammars.Masks;

/// <summary>
/// The bytes of a vocabulary's tokens as a tree, laid out so that a walk reads memory forwards: a node, then all that begins with it,
/// then its next sibling. Immutable.
/// </summary>
internal sealed class TokenTrie
{
    private readonly byte[] _bytes;
    private readonly int[] _ends;
    private readonly int[] _depths;
    private readonly int[] _parents;
    private readonly int[] _firstTokens;
    private readonly int[] _tokens;
    private readonly int[] _crownOf;
    private readonly TokenCrown[] _crowns;

    /// <param name="tokens">The bytes of each token, by id; null or empty for those that have none.</param>
    public TokenTrie(IReadOnlyList<byte[]?> tokens)
    {
        _tokens = [.. Enumerable.Range(0, tokens.Count).Where(id => tokens[id] is { Length: > 0 })];
        Array.Sort(_tokens, (a, b) => tokens[a].AsSpan().SequenceCompareTo(tokens[b]) is not 0 and var order ? order : a.CompareTo(b));
        var bytes = new List<byte>();
        var ends = new List<int>();
        var depths = new List<int>();
        var parents = new List<int>();
        var firstTokens = new List<int>();
        var path = new List<int>();
        ReadOnlySpan<byte> last = [];
        for (int i = 0; i < _tokens.Length; i++)
        {
            ReadOnlySpan<byte> text = tokens[_tokens[i]];
            int shared = last.CommonPrefixLength(text);
            Close(shared);
            for (int k = shared; k < text.Length; k++)
            {
                bytes.Add(text[k]);
                ends.Add(0);
                depths.Add(k + 1);
                parents.Add(path.Count > 0 ? path[^1] : -1);
                firstTokens.Add(k == text.Length - 1 ? i : -1);
                path.Add(bytes.Count - 1);
            }
            last = text;
            Depth = Math.Max(Depth, text.Length);
        }
        Close(0);

        // A node without tokens of its own has the range between its neighbours' that is empty.
        firstTokens.Add(_tokens.Length);
        for (int i = firstTokens.Count - 2; i >= 0; i--)
        {
            if (firstTokens[i] < 0)
                firstTokens[i] = firstTokens[i + 1];
        }
        (_bytes, _ends, _depths, _parents, _firstTokens) = ([.. bytes], [.. ends], [.. depths], [.. parents], [.. firstTokens]);
        (_crownOf, _crowns) = TokenCrown.Find(this);

        void Close(int depth)
        {
            for (; path.Count > depth; path.RemoveAt(path.Count - 1))
                ends[path[^1]] = bytes.Count;
        }
    }

    /// <summary>How many nodes there are; the root is none of them.</summary>
    public int Count => _bytes.Length;

    /// <summary>The length of the longest token, in bytes.</summary>
    public int Depth { get; }

    /// <summary>The last byte of each node.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>For each node, the one behind all that begin with it.</summary>
    public ReadOnlySpan<int> Ends => _ends;

    /// <summary>How many bytes each node stands for.</summary>
    public ReadOnlySpan<int> Depths => _depths;

    /// <summary>The node that stands for one byte less; -1 for none.</summary>
    public ReadOnlySpan<int> Parents => _parents;

    /// <summary>The tokens that a node stands for.</summary>
    public ReadOnlySpan<int> TokensOf(int node) => _tokens.AsSpan(_firstTokens[node], _firstTokens[node + 1] - _firstTokens[node]);

    /// <summary>The tokens that begin with a node and are longer.</summary>
    public ReadOnlySpan<int> TokensBelow(int node) => _tokens.AsSpan(_firstTokens[node + 1], _firstTokens[_ends[node]] - _firstTokens[node + 1]);

    /// <summary>Which crown stands on a node, by its place in <see cref="Crowns"/>; -1 where it is too small to be worth one.</summary>
    public ReadOnlySpan<int> CrownOf => _crownOf;

    /// <summary>What is known of that which begins with a node, for the larger nodes.</summary>
    public ReadOnlySpan<TokenCrown> Crowns => _crowns;

    /// <summary>The child of a node by a byte; -1 for none.</summary>
    /// <param name="node">The node; -1 for the root.</param>
    /// <param name="value">The byte.</param>
    public int Child(int node, byte value)
    {
        int end = node < 0 ? Count : _ends[node];
        for (int child = node + 1; child < end; child = _ends[child])
        {
            if (_bytes[child] == value)
                return child;
        }
        return -1;
    }
}
