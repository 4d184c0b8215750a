namespace SpecDecode.Tokenizers;

/// <summary>
/// Finds which pieces a text begins with, unit by unit. Nodes are numbered in breadth-first order, so that the children of a
/// node are neighbours, sorted by their unit, and end where those of the next node begin.
/// </summary>
internal sealed class PieceTrie
{
    /// <summary>The node before the first unit.</summary>
    public const int Root = 0;

    /// <summary>What a node has on which no piece ends.</summary>
    public const int None = -1;

    // Up to here a vectorized scan is faster than halving.
    private const int MaxScanned = 32;

    private readonly char[] _units;
    private readonly int[] _firstChild;
    private readonly int[] _pieces;

    // Most steps begin at the root, whose children are many.
    private readonly int[] _roots = new int[char.MaxValue + 1];

    /// <summary>Builds the trie.</summary>
    /// <param name="pieces">The pieces, none of them empty or there twice; they are told by their places in this list.</param>
    public PieceTrie(IReadOnlyList<string> pieces)
    {
        int[] sorted = [.. Enumerable.Range(0, pieces.Count)];
        Array.Sort(sorted, (left, right) => string.CompareOrdinal(pieces[left], pieces[right]));

        List<char> units = ['\0'];
        List<int> firstChild = [], ends = [];
        Queue<(int From, int To, int Depth)> ranges = new([(0, sorted.Length, 0)]);
        while (ranges.TryDequeue(out var range))
        {
            var (at, to, depth) = range;
            MaxLength = Math.Max(MaxLength, depth);
            bool isPiece = depth > 0 && pieces[sorted[at]].Length == depth;
            ends.Add(isPiece ? sorted[at++] : None);
            firstChild.Add(units.Count);
            while (at < to)
            {
                char unit = pieces[sorted[at]][depth];
                int from = at++;
                while (at < to && pieces[sorted[at]][depth] == unit)
                    at++;
                units.Add(unit);
                ranges.Enqueue((from, at, depth + 1));
            }
        }
        firstChild.Add(units.Count);
        (_units, _firstChild, _pieces) = ([.. units], [.. firstChild], [.. ends]);
        for (int child = _firstChild[Root]; child < _firstChild[Root + 1]; child++)
            _roots[_units[child]] = child;
    }

    /// <summary>The length of the longest piece, in UTF-16 units.</summary>
    public int MaxLength { get; }

    /// <summary>Goes from a node to the one that a unit leads to; false where no piece goes on so.</summary>
    public bool TryStep(ref int node, char unit)
    {
        if (node == Root)
            return (node = _roots[unit]) != Root;

        int first = _firstChild[node];
        int count = _firstChild[node + 1] - first;
        var children = _units.AsSpan(first, count);
        int found = count <= MaxScanned ? children.IndexOf(unit) : children.BinarySearch(unit);
        node = first + found;
        return found >= 0;
    }

    /// <summary>The piece that ends on a node, or <see cref="None"/>.</summary>
    public int PieceAt(int node) => _pieces[node];

    /// <summary>The piece that is exactly this text, or <see cref="None"/>.</summary>
    public int Find(ReadOnlySpan<char> text)
    {
        int node = Root;
        foreach (char unit in text)
        {
            if (!TryStep(ref node, unit))
                return None;
        }
        return PieceAt(node);
    }
}
