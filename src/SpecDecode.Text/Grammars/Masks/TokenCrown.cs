using SpecDecode.Grammars.Automata;

namespace SpecDecode.Grammars.Masks;

/// <summary>All that begins with a node of a trie and is longer: which bytes there are, wherever they stand, and how many follow each other at most.</summary>
internal readonly record struct TokenCrown(ByteSet Bytes, int Height)
{
    // Smaller ones are gone through sooner than looked at.
    private const int Least = 4;

    /// <summary>Finds the crowns of a trie, and names them in its nodes.</summary>
    /// <param name="nodes">The nodes, laid out already.</param>
    /// <param name="depth">The length of the longest token.</param>
    public static TokenCrown[] Find(Span<TokenNode> nodes, int depth)
    {
        var crowns = new List<TokenCrown>();

        // Children stand behind their parents, so backwards all of a node's are known before itself. Those on the way to the one at hand are open.
        var open = new TokenCrown[depth + 2];
        for (int i = nodes.Length - 1; i >= 0; i--)
        {
            var node = nodes[i];
            var own = open[node.Depth + 1];
            open[node.Depth + 1] = default;
            if (node.End - i - 1 >= Least)
            {
                nodes[i] = node with { Crown = crowns.Count };
                crowns.Add(own);
            }
            open[node.Depth] = new(open[node.Depth].Bytes.Union(own.Bytes).With(node.Byte), Math.Max(open[node.Depth].Height, own.Height + 1));
        }
        return [.. crowns];
    }
}
