using SpecDecode.Grammars.Automata;

namespace SpecDecode.Grammars.Masks;

/// <summary>All that begins with a node of a trie and is longer: which bytes there are, wherever they stand, and how many follow each other at most.</summary>
internal readonly record struct TokenCrown(ByteSet Bytes, int Height)
{
    // Smaller ones are gone through sooner than looked at.
    private const int Least = 4;

    /// <summary>The crowns of a trie.</summary>
    /// <param name="trie">The trie, laid out already.</param>
    /// <returns>For each node the place of its crown in the second list, or -1.</returns>
    public static (int[] CrownOf, TokenCrown[] Crowns) Find(TokenTrie trie)
    {
        var crownOf = new int[trie.Count];
        var crowns = new List<TokenCrown>();

        // Children stand behind their parents, so backwards all of a node's are known before itself. Those on the way to the one at hand are open.
        var open = new TokenCrown[trie.Depth + 2];
        for (int node = trie.Count - 1; node >= 0; node--)
        {
            int depth = trie.Depths[node];
            var own = open[depth + 1];
            open[depth + 1] = default;
            crownOf[node] = trie.Ends[node] - node - 1 < Least ? -1 : crowns.Count;
            if (crownOf[node] >= 0)
                crowns.Add(own);
            open[depth] = new(open[depth].Bytes.Union(own.Bytes).With(trie.Bytes[node]), Math.Max(open[depth].Height, own.Height + 1));
        }
        return (crownOf, [.. crowns]);
    }
}
