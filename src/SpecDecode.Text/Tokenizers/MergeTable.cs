using System.Text;
using static SpecDecode.Checkpoints.CheckpointText;

namespace SpecDecode.Tokenizers;

/// <summary>
/// The merges of a byte-pair encoding: pair of token ids to rank and product. A pair that the file lists twice has the
/// later rank, as in the reference implementation.
/// </summary>
internal sealed class MergeTable
{
    // A merge of more spaces than any token has is not searched for its seam.
    private const int MaxSpaces = 1024;

    // Ids and characters are below 2^25. The hash of a long is the xor of its halves, which this spreads well.
    private readonly Dictionary<ulong, Merge> _merges = [];
    private readonly HashSet<ulong> _seams = [];

    private readonly record struct Merge(int Rank, int Product);

    /// <summary>Reads the array <c>model.merges</c>, whose entries are <c>"a b"</c> or <c>["a", "b"]</c>.</summary>
    /// <param name="node">The array.</param>
    /// <param name="vocabulary">The tokens of the model.</param>
    /// <param name="prefix">What marks a token that goes on a word; the right part loses it in the product.</param>
    public static MergeTable Read(JsonNode node, Vocabulary vocabulary, string prefix)
    {
        var table = new MergeTable();
        int rank = 0;
        foreach (var item in node.Items())
        {
            if (item.IsArray)
            {
                var parts = item.Items().Take(3).Select(part => part.Text()).ToArray();
                if (parts.Length != 2)
                    throw item.Error("is not a pair of strings");
                if (!table.TryAdd(parts[0], parts[1], rank, vocabulary, prefix))
                    throw item.Error($"merges '{Shorten(parts[0])}' and '{Shorten(parts[1])}', but one of them or their product is not in the vocabulary");
            }
            else if (item.Text().StartsWith("#version", StringComparison.Ordinal))
            {
                // The head of a merges.txt, which the reference implementation skips here too.
                continue;
            }
            else if (!table.TryAddText(item.Text(), rank, vocabulary, prefix))
            {
                throw item.Error(
                    $"is the merge '{Shorten(item.Text())}', which is not two tokens of the vocabulary and a space between, or their product is not one");
            }
            rank++;
        }
        return table;
    }

    /// <summary>Adds a merge.</summary>
    /// <param name="left">The left token's id.</param>
    /// <param name="right">The right token's id.</param>
    /// <param name="rank">Lower merges come first; of equal ones the leftmost.</param>
    /// <param name="product">The id of what they become.</param>
    /// <param name="last">The last character of the left token.</param>
    /// <param name="first">The first character of the right one.</param>
    public void Add(int left, int right, int rank, int product, Rune last, Rune first)
    {
        _merges[Key(left, right)] = new Merge(rank, product);
        _seams.Add(Key(last.Value, first.Value));
    }

    /// <summary>The merge of two neighbours.</summary>
    public bool TryGet(int left, int right, out int rank, out int product)
    {
        bool found = _merges.TryGetValue(Key(left, right), out var merge);
        (rank, product) = (merge.Rank, merge.Product);
        return found;
    }

    /// <summary>Whether any merge joins a token that ends in one character with a token that begins with the other.</summary>
    public bool CanJoin(Rune last, Rune first) => _seams.Contains(Key(last.Value, first.Value));

    // A part may itself hold spaces ("a  " is "a" and " "): the cut is the first space that leaves known tokens.
    private bool TryAddText(string merge, int rank, Vocabulary vocabulary, string prefix)
    {
        int tried = 0;
        for (int cut = 1; cut < merge.Length - 1 && tried < MaxSpaces; cut++)
        {
            if (merge[cut] != ' ')
                continue;
            if (TryAdd(merge[..cut], merge[(cut + 1)..], rank, vocabulary, prefix))
                return true;
            tried++;
        }
        return false;
    }

    private bool TryAdd(string left, string right, int rank, Vocabulary vocabulary, string prefix)
    {
        if (left.Length == 0 || right.Length == 0 || !right.StartsWith(prefix, StringComparison.Ordinal)
            || !vocabulary.TryGetId(left, out int leftId) || !vocabulary.TryGetId(right, out int rightId)
            || !vocabulary.TryGetId(string.Concat(left, right.AsSpan(prefix.Length)), out int product))
            return false;

        Rune.DecodeLastFromUtf16(left, out var last, out _);
        Rune.DecodeFromUtf16(right, out var first, out _);
        Add(leftId, rightId, rank, product, last, first);
        return true;
    }

    private static ulong Key(int left, int right) => (ulong)(uint)left << 25 | (uint)right;
}
