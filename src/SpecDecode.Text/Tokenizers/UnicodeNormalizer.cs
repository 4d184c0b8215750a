using System.Globalization;
using System.Text;

namespace SpecDecode.Tokenizers;

/// <summary>
/// The Unicode normalization forms (UAX 15). <see cref="string.Normalize()"/> is not used, for it returns the text
/// unchanged where the process runs with invariant globalization.
/// </summary>
internal static class UnicodeNormalizer
{
    private const int HangulS = 0xAC00, HangulL = 0x1100, HangulV = 0x1161, HangulT = 0x11A7;

    // Code points after which a long text is finished as far as it goes, wherever it can be.
    private const int Block = 4096;

    private const int VCount = 21, TCount = 28, LCount = 19, SCount = LCount * VCount * TCount;

    private static readonly Dictionary<int, int[]> Canonical = [];
    private static readonly Lazy<Dictionary<int, int[]>> Compatible = new(static () =>
    {
        var mappings = new Dictionary<int, int[]>();
        foreach (var (code, targets, _) in Parse(CompatibilityMappings.Decompositions))
            mappings.Add(code, targets);
        return mappings;
    });

    private static readonly Dictionary<long, int> Compositions = [];
    private static readonly Dictionary<int, int> Classes = [];
    private static readonly HashSet<int> Seconds = [];

    static UnicodeNormalizer()
    {
        foreach (var (code, targets, composes) in Parse(CanonicalMappings.Decompositions))
        {
            Canonical.Add(code, targets);
            if (composes && targets.Length == 2)
            {
                Compositions.Add((long)targets[0] << 32 | (uint)targets[1], code);
                Seconds.Add(targets[1]);
            }
        }
        foreach (var entry in CanonicalMappings.CombiningClasses.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = entry.IndexOf('=', StringComparison.Ordinal);
            var (from, to) = Range(entry.AsSpan(0, equals));
            for (int code = from; code <= to; code++)
                Classes.Add(code, Hex(entry.AsSpan(equals + 1)));
        }
    }

    /// <summary>The normalized text.</summary>
    /// <param name="text">Well-formed UTF-16.</param>
    /// <param name="compatible">Whether compatibility characters are replaced too (the K forms).</param>
    /// <param name="compose">Whether the characters are composed again (the C forms).</param>
    public static string Normalize(string text, bool compatible, bool compose)
    {
        // Below U+00A0 nothing decomposes; below U+0300 composed text without compatibility mappings stays as it is.
        if (text.AsSpan().IndexOfAnyExceptInRange('\0', compose && !compatible ? '\u02FF' : '\u009F') < 0)
            return text;

        var output = new StringBuilder(text.Length);
        var codes = new List<int>(Math.Min(text.Length, 2 * Block));
        foreach (var rune in text.EnumerateRunes())
        {
            int start = codes.Count;
            Decompose(rune.Value, compatible, codes);
            if (start < Block || !BeginsAnew(codes[start]))
                continue;
            var begun = codes.GetRange(start, codes.Count - start);
            codes.RemoveRange(start, begun.Count);
            Finish(codes, compose, output);
            codes.AddRange(begun);
        }
        Finish(codes, compose, output);
        return output.ToString();
    }

    private static void Finish(List<int> codes, bool compose, StringBuilder output)
    {
        Order(codes);
        if (compose)
            Compose(codes);
        foreach (int code in codes)
            output.Append(new Rune(code));
        codes.Clear();
    }

    // Whether nothing before a code is ordered or composed with it or what follows it.
    private static bool BeginsAnew(int code) =>
        !Classes.ContainsKey(code) && !Seconds.Contains(code) && code is not ((>= HangulV and < HangulV + VCount) or (> HangulT and < HangulT + TCount));

    private static void Decompose(int code, bool compatible, List<int> codes)
    {
        if (code is >= HangulS and < HangulS + SCount)
        {
            int index = code - HangulS;
            codes.Add(HangulL + index / (VCount * TCount));
            codes.Add(HangulV + index % (VCount * TCount) / TCount);
            if (index % TCount != 0)
                codes.Add(HangulT + index % TCount);
        }
        else if (Canonical.TryGetValue(code, out var targets) || (compatible && Compatible.Value.TryGetValue(code, out targets)))
        {
            foreach (int target in targets)
                Decompose(target, compatible, codes);
        }
        else
        {
            codes.Add(code);
        }
    }

    // Every run of marks is sorted by class, equal classes in the order of the text.
    private static void Order(List<int> codes)
    {
        for (int i = 0; i < codes.Count;)
        {
            int end = i;
            while (end < codes.Count && ClassOf(codes[end]) != 0)
                end++;
            if (end - i > 1)
            {
                var sorted = codes.GetRange(i, end - i).OrderBy(ClassOf).ToArray();
                for (int k = 0; k < sorted.Length; k++)
                    codes[i + k] = sorted[k];
            }
            i = end + 1;
        }
    }

    private static void Compose(List<int> codes)
    {
        int count = 0, starter = -1, lastClass = 0;
        for (int i = 0; i < codes.Count; i++)
        {
            int code = codes[i];
            int own = ClassOf(code);
            // A mark joins the starter unless one of its own class, or none at all, stands between them.
            bool adjacent = starter == count - 1;
            if (starter >= 0 && (adjacent || (lastClass < own && lastClass != 0)) && TryCompose(codes[starter], code, out int composed))
            {
                codes[starter] = composed;
                continue;
            }
            codes[count] = code;
            if (own == 0)
                starter = count;
            lastClass = own;
            count++;
        }
        codes.RemoveRange(count, codes.Count - count);
    }

    private static bool TryCompose(int first, int second, out int composed)
    {
        composed = 0;
        if (first is >= HangulL and < HangulL + LCount && second is >= HangulV and < HangulV + VCount)
            composed = HangulS + ((first - HangulL) * VCount + second - HangulV) * TCount;
        else if (first is >= HangulS and < HangulS + SCount && (first - HangulS) % TCount == 0
            && second is > HangulT and < HangulT + TCount)
            composed = first + second - HangulT;
        return composed != 0 || Compositions.TryGetValue((long)first << 32 | (uint)second, out composed);
    }

    private static int ClassOf(int code) => code < 0x300 ? 0 : Classes.GetValueOrDefault(code);

    private static IEnumerable<(int Code, int[] Targets, bool Composes)> Parse(string mappings)
    {
        foreach (var entry in mappings.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = entry.IndexOf('=', StringComparison.Ordinal);
            var (from, to) = Range(entry.AsSpan(0, equals));
            bool composes = entry[equals + 1] != '!';
            var targets = entry[(composes ? equals + 1 : equals + 2)..].Split('+').Select(target => Hex(target)).ToArray();
            for (int code = from; code <= to; code++)
                yield return (code, code == from ? targets : [targets[0] + code - from], composes);
        }
    }

    private static (int From, int To) Range(ReadOnlySpan<char> range)
    {
        int dash = range.IndexOf('-');
        return dash < 0 ? (Hex(range), Hex(range)) : (Hex(range[..dash]), Hex(range[(dash + 1)..]));
    }

    private static int Hex(ReadOnlySpan<char> digits) =>
        int.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
