using System.Text;

namespace SpecDecode.Tokenizers;

/// <summary>
/// The merges of a byte-pair encoding: pair of token ids to rank and product. A pair that the file lists twice has the
/// later rank, as in the reference implementation.
/// </summary>
internal sealed class MergeTable
{
    // Key: left << 24 | right (ids are below 2^24), which the dictionary's xor-fold hash spreads well.
    private readonly Dictionary<ulong, Merge> _merges = [];
    private readonly List<int> _products = [];
    private readonly HashSet<ulong> _seams = [];

    private readonly record struct Merge(int Rank, int Product);

    /// <summary>Reads the array <c>model.merges</c>, whose entries are <c>"a b"</c> or <c>["a", "b"]</c>.</summary>
    public static MergeTable Read(JsonNode node, Vocabulary vocabulary)
    {
        var table = new MergeTable();
        foreach (var item in node.Items())
        {
            if (item.IsArray)
            {
                var parts = item.Items().Take(3).Select(part => part.Text()).ToArray();
                if (parts.Length != 2)
                    throw item.Error("is not a pair of strings");
                if (!table.TryAdd(parts[0], parts[1], vocabulary))
                    throw item.Error($"merges '{parts[0]}' and '{parts[1]}', but one of them or their product is not in the vocabulary");
            }
            else if (!table.TryAddText(item.Text(), vocabulary))
            {
                throw item.Error(
                    $"is the merge '{item.Text()}', which is not two tokens of the vocabulary and a space between, or their product is not one");
            }
        }
        return table;
    }

    /// <summary>The merge of two neighbours.</summary>
    public bool TryGet(int left, int right, out int rank, out int product)
    {
        bool found = _merges.TryGetValue((ulong)(uint)left << 24 | (uint)right, out var merge);
        (rank, product) = (merge.Rank, merge.Product);
        return found;
    }

    /// <summary>The token that the merge of this rank makes.</summary>
    public int ProductOf(int rank) => _products[rank];

    /// <summary>Whether any merge joins a token that ends in one character with a token that begins with the other.</summary>
    public bool CanJoin(Rune last, Rune first) => _seams.Contains(Seam(last, first));

    // A part may itself hold spaces ("a  " is "a" and " "): the cut is the first space that leaves known tokens.
    private bool TryAddText(string merge, Vocabulary vocabulary)
    {
        for (int cut = 1; cut < merge.Length - 1; cut++)
        {
            if (merge[cut] == ' ' && TryAdd(merge[..cut], merge[(cut + 1)..], vocabulary))
                return true;
        }
        return false;
    }

    private bool TryAdd(string left, string right, Vocabulary vocabulary)
    {
        if (left.Length == 0 || right.Length == 0
            || !vocabulary.TryGetId(left, out int leftId) || !vocabulary.TryGetId(right, out int rightId) || !vocabulary.TryGetId(left + right, out int product))
            return false;

        _merges[(ulong)(uint)leftId << 24 | (uint)rightId] = new Merge(_products.Count, product);
        _products.Add(product);
        Rune.DecodeLastFromUtf16(left, out var last, out _);
        Rune.DecodeFromUtf16(right, out var first, out _);
        _seams.Add(Seam(last, first));
        return true;
    }

    private static ulong Seam(Rune last, Rune first) => (ulong)(uint)last.Value << 24 | (uint)first.Value;
}
