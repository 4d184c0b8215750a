using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace SpecDecode.Tokenizers;

/// <summary>
/// A regular expression of a tokenizer file that matches code points, as Oniguruma does, where .NET matches UTF-16 units.
/// </summary>
/// <remarks>
/// A text with surrogate pairs is matched through a shadow of it, in which every code point beyond the Basic Multilingual
/// Plane is one unit: a rare character of the same general category. So <c>\p{L}</c>, negated classes and counts see it as
/// one character of its kind. Patterns that name such characters themselves are refused by <see cref="PatternDialect"/>.
/// </remarks>
internal sealed partial class CodePointRegex
{
    // Indexed by UnicodeCategory; a test holds every entry to its category. Surrogates do not occur in well-formed text.
    internal const string StandIns =
        "\u2C60\u2C61\u1F88\uA015\uA000\uA8C4\uA823\u0489\uA620\u16EE\u2CFD\u1680\u2028\u2029\u0080" +
        "\u206A\uFFFD\uE000\u2054\u2E3A\u2E22\u2E23\u2E02\u2E03\u2E00\u2A00\uA838\uA700\uA490\uFFFE";

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(20);

    private readonly Regex _regex;

    private CodePointRegex(Regex regex) => _regex = regex;

    /// <summary>The words of GPT-2: contractions, letters, numbers and the rest, each with one space before, and white space.</summary>
    public static CodePointRegex Gpt2Words { get; } = new(Gpt2WordsRegex());

    /// <summary>Compiles a pattern in Oniguruma's dialect.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="node">Where it stands in the file, for errors.</param>
    public static CodePointRegex Create(string pattern, JsonNode node)
    {
        if (PatternDialect.TryTranslate(pattern, out var translated, out var reason))
        {
            try
            {
                return new(new Regex(translated, RegexOptions.Compiled | RegexOptions.CultureInvariant | RegexOptions.Multiline, Timeout));
            }
            catch (ArgumentException e)
            {
                throw node.Unsupported($"is the regular expression '{pattern}', which .NET does not take ({e.Message})", e);
            }
        }
        throw node.Unsupported($"is the regular expression '{pattern}', which uses {reason}");
    }

    /// <summary>Appends the matches in <paramref name="text"/> as ranges of UTF-16 units.</summary>
    /// <exception cref="SpecDecodeException">The pattern took longer than its limit on this text.</exception>
    public void FindAll(ReadOnlySpan<char> text, List<(int Start, int End)> matches)
    {
        try
        {
            if (text.IndexOfAnyInRange('\uD800', '\uDFFF') < 0)
            {
                foreach (var match in _regex.EnumerateMatches(text))
                    matches.Add((match.Index, match.Index + match.Length));
                return;
            }
            FindAllInShadow(text, matches);
        }
        catch (RegexMatchTimeoutException e)
        {
            throw new SpecDecodeException(
                $"The regular expression '{e.Pattern}' of the tokenizer took over {Timeout.TotalSeconds} s on a text of {text.Length} "
                + "characters. Encode the text in smaller parts.", e);
        }
    }

    private void FindAllInShadow(ReadOnlySpan<char> text, List<(int Start, int End)> matches)
    {
        var shadow = ArrayPool<char>.Shared.Rent(text.Length);
        var offsets = ArrayPool<int>.Shared.Rent(text.Length + 1);
        int count = 0;
        for (int i = 0; i < text.Length; count++)
        {
            Rune.DecodeFromUtf16(text[i..], out var rune, out int used);
            shadow[count] = rune.IsBmp ? (char)rune.Value : StandIns[(int)Rune.GetUnicodeCategory(rune)];
            offsets[count] = i;
            i += used;
        }
        offsets[count] = text.Length;
        try
        {
            foreach (var match in _regex.EnumerateMatches(shadow.AsSpan(0, count)))
                matches.Add((offsets[match.Index], offsets[match.Index + match.Length]));
        }
        finally
        {
            ArrayPool<char>.Shared.Return(shadow);
            ArrayPool<int>.Shared.Return(offsets);
        }
    }

    [GeneratedRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", RegexOptions.CultureInvariant)]
    private static partial Regex Gpt2WordsRegex();
}
