using System.Globalization;

namespace SpecDecode.Tokenizers.Patterns;

/// <summary>An immutable set of Unicode code points.</summary>
internal sealed class CodePointSet
{
    private const int End = 0x110000;

    // Kept beside general categories by the property Alphabetic: circled and squared letters.
    private static readonly int[] AlphabeticSymbols = [0x24B6, 0x24EA, 0x1F130, 0x1F14A, 0x1F150, 0x1F16A, 0x1F170, 0x1F18A];

    private static readonly int[] HanBounds =
    [
        0x2E80, 0x2E9A, 0x2E9B, 0x2EF4, 0x2F00, 0x2FD6, 0x3005, 0x3006, 0x3007, 0x3008, 0x3021, 0x302A, 0x3038, 0x303C, 0x3400, 0x4DC0,
        0x4E00, 0xA000, 0xF900, 0xFA6E, 0xFA70, 0xFADA, 0x16FE2, 0x16FE4, 0x16FF0, 0x16FF2, 0x20000, 0x2A6E0, 0x2A700, 0x2B73A,
        0x2B740, 0x2B81E, 0x2B820, 0x2CEA2, 0x2CEB0, 0x2EBE1, 0x2EBF0, 0x2EE5E, 0x2F800, 0x2FA1E, 0x30000, 0x3134B, 0x31350, 0x323B0,
    ];

    private static readonly Lazy<CodePointSet[]> Categories = new(CreateCategories);
    private static readonly Lazy<CodePointSet> LetterSet = new(static () =>
        Category("L").Union(Category("M")).Union(Category("Nd")).Union(Category("Nl")).Union(Category("Pc")).Union(new CodePointSet(AlphabeticSymbols)));

    // Oniguruma has a table of its own for Latin-1, in which superscripts and fractions are word characters.
    private static readonly Lazy<CodePointSet> PatternWordSet = new(static () => LetterSet.Value.Union(Of(0xB2, 0xB3, 0xB9, 0xBC, 0xBD, 0xBE)));
    private static readonly Lazy<CodePointSet> UnicodeWordSet = new(static () => LetterSet.Value.Union(Of(0x200C, 0x200D)));

    // Ascending; the set is [b0, b1) and [b2, b3) and so on.
    private readonly int[] _bounds;
    private readonly ulong _low, _high;

    private CodePointSet(int[] bounds)
    {
        _bounds = bounds;
        for (int c = 0; c < 128; c++)
        {
            ulong bit = Search(c) ? 1UL << c : 0;
            if (c < 64)
                _low |= bit;
            else
                _high |= bit;
        }
    }

    /// <summary>The set of nothing.</summary>
    public static CodePointSet Empty { get; } = new([]);

    /// <summary>Every code point.</summary>
    public static CodePointSet Any { get; } = new([0, End]);

    /// <summary>The property White_Space.</summary>
    public static CodePointSet Space { get; } =
        new([9, 14, 0x20, 0x21, 0x85, 0x86, 0xA0, 0xA1, 0x1680, 0x1681, 0x2000, 0x200B, 0x2028, 0x202A, 0x202F, 0x2030, 0x205F, 0x2060, 0x3000, 0x3001]);

    /// <summary>Alphabetic characters, marks, decimal digits and connectors.</summary>
    public static CodePointSet PlainWord => LetterSet.Value;

    /// <summary>Those and a few of Latin-1: <c>\w</c> of the patterns.</summary>
    public static CodePointSet Word => PatternWordSet.Value;

    /// <summary>The plain ones and joiners, as the Unicode standard (UTS 18) has it.</summary>
    public static CodePointSet UnicodeWord => UnicodeWordSet.Value;

    /// <summary>The script Han.</summary>
    public static CodePointSet Han { get; } = new(HanBounds);

    /// <summary>The code points from one to another, both included.</summary>
    public static CodePointSet Range(int from, int to) => new([from, to + 1]);

    /// <summary>The code points from the first bound up to the second, from the third up to the fourth, and so on.</summary>
    /// <param name="bounds">Ascending; every second one is the first that is not in the set.</param>
    public static CodePointSet Between(ReadOnlySpan<int> bounds) => new(bounds.ToArray());

    /// <summary>These code points.</summary>
    public static CodePointSet Of(params ReadOnlySpan<int> codes)
    {
        var set = Empty;
        foreach (int code in codes)
            set = set.Union(Range(code, code));
        return set;
    }

    /// <summary>A general category or a group of them: <c>Lu</c>, <c>L</c>, <c>LC</c>. Empty for other names.</summary>
    public static CodePointSet Category(string name)
    {
        const string Short = "LuLlLtLmLoMnMcMeNdNlNoZsZlZpCcCfCsCoPcPdPsPePiPfPoSmScSkSoCn";
        var set = Empty;
        for (int i = 0; i < Short.Length; i += 2)
        {
            var category = Short.AsSpan(i, 2);
            if (category.SequenceEqual(name) || (name.Length == 1 && category[0] == name[0]) || (name == "LC" && i < 6))
                set = set.Union(Categories.Value[i / 2]);
        }
        return set;
    }

    /// <summary>The first code point in the set, the next one that is not, and so on.</summary>
    public ReadOnlySpan<int> Bounds => _bounds;

    /// <summary>Whether nothing is in the set.</summary>
    public bool IsEmpty => _bounds.Length == 0;

    /// <summary>Whether a code point is in the set.</summary>
    public bool Contains(int code) => code < 128 ? ((code < 64 ? _low : _high) >> code & 1) != 0 : Search(code);

    /// <summary>What is in either.</summary>
    public CodePointSet Union(CodePointSet other) => Combine(other, static (a, b) => a || b);

    /// <summary>What is in both.</summary>
    public CodePointSet Intersect(CodePointSet other) => Combine(other, static (a, b) => a && b);

    /// <summary>What is not in the set.</summary>
    public CodePointSet Invert() => Combine(Any, static (a, b) => !a && b);

    /// <summary>With every code point, those that differ from it by case alone.</summary>
    public CodePointSet IgnoreCase()
    {
        var set = this;
        foreach (var group in CaseGroups.All)
        {
            bool any = false, all = true;
            foreach (int code in group)
            {
                bool found = Contains(code);
                any |= found;
                all &= found;
            }
            if (any && !all)
                set = set.Union(Of(group));
        }
        return set;
    }

    private bool Search(int code)
    {
        // The number of bounds that are not above the code point is odd within the set.
        int low = 0, high = _bounds.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_bounds[middle] <= code)
                low = middle + 1;
            else
                high = middle;
        }
        return (low & 1) != 0;
    }

    private CodePointSet Combine(CodePointSet other, Func<bool, bool, bool> keep)
    {
        var bounds = new List<int>(_bounds.Length + other._bounds.Length);
        for (int i = 0, k = 0; i < _bounds.Length || k < other._bounds.Length;)
        {
            int at = Math.Min(i < _bounds.Length ? _bounds[i] : End, k < other._bounds.Length ? other._bounds[k] : End);
            while (i < _bounds.Length && _bounds[i] == at)
                i++;
            while (k < other._bounds.Length && other._bounds[k] == at)
                k++;
            if (keep((i & 1) != 0, (k & 1) != 0) != ((bounds.Count & 1) != 0))
                bounds.Add(at);
        }
        return new([.. bounds]);
    }

    private static CodePointSet[] CreateCategories()
    {
        var bounds = new List<int>[30];
        for (int i = 0; i < bounds.Length; i++)
            bounds[i] = [];
        int last = -1;
        for (int code = 0; code <= End; code++)
        {
            int category = code < End ? (int)CharUnicodeInfo.GetUnicodeCategory(code) : -1;
            if (category == last)
                continue;
            if (last >= 0)
                bounds[last].Add(code);
            if (category >= 0)
                bounds[category].Add(code);
            last = category;
        }
        return [.. bounds.Select(list => new CodePointSet([.. list]))];
    }
}
