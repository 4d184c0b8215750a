using System.Globalization;
using System.Text;

namespace SpecDecode.Tokenizers.Patterns;

/// <summary>The groups of code points that are one letter in different cases (simple case folding).</summary>
internal static class CaseGroups
{
    // Letters whose folding the runtime's case mapping does not reach in one step, because it is not reversible.
    private static readonly int[][] Extra =
    [
        ['s', 'S', 0x17F], ['k', 'K', 0x212A], [0xE5, 0xC5, 0x212B], [0xB5, 0x3BC, 0x39C], [0xDF, 0x1E9E], [0x3B2, 0x392, 0x3D0],
        [0x3B5, 0x395, 0x3F5], [0x3B8, 0x398, 0x3D1, 0x3F4], [0x3B9, 0x399, 0x345, 0x1FBE], [0x3BA, 0x39A, 0x3F0], [0x3C0, 0x3A0, 0x3D6],
        [0x3C1, 0x3A1, 0x3F1], [0x3C3, 0x3A3, 0x3C2], [0x3C6, 0x3A6, 0x3D5], [0x3C9, 0x3A9, 0x2126], [0x1E61, 0x1E60, 0x1E9B],
    ];

    private static readonly Lazy<int[][]> Groups = new(Create);

    /// <summary>The groups, each of two code points or more.</summary>
    public static IReadOnlyList<int[]> All => Groups.Value;

    private static int[][] Create()
    {
        // A group is named by its smallest known member; joining is by relabelling, groups being tiny.
        var names = new Dictionary<int, int>();
        var groups = new Dictionary<int, SortedSet<int>>();
        for (int code = 'A'; code < 0x1E944; code++)
        {
            if (!Rune.IsValid(code) || CharUnicodeInfo.GetUnicodeCategory(code) is > UnicodeCategory.TitlecaseLetter and not (UnicodeCategory.LetterNumber or UnicodeCategory.OtherSymbol))
                continue;
            var rune = new Rune(code);
            Join(code, Rune.ToLowerInvariant(rune).Value);
            Join(code, Rune.ToUpperInvariant(rune).Value);
        }
        foreach (var group in Extra)
        {
            foreach (int code in group)
                Join(group[0], code);
        }
        return [.. groups.Values.Select(group => group.ToArray())];

        void Join(int a, int b)
        {
            if (a == b || (a < 128 && b == 0x130) || (b < 128 && a is 0x130 or 0x131))
                return;
            int nameA = names.GetValueOrDefault(a, a), nameB = names.GetValueOrDefault(b, b);
            if (nameA == nameB && groups.ContainsKey(nameA))
                return;
            SortedSet<int> joined = [a, b, .. groups.GetValueOrDefault(nameA) ?? [], .. groups.GetValueOrDefault(nameB) ?? []];
            groups.Remove(nameA);
            groups.Remove(nameB);
            groups[joined.Min] = joined;
            foreach (int code in joined)
                names[code] = joined.Min;
        }
    }
}
