using SpecDecode.Tokenizers.Patterns;

namespace SpecDecode.Tests.Tokenizers;

public class PatternTests
{
    // What Oniguruma finds, by running it.
    [Theory]
    [InlineData(@"a.*?e|\s{2,3}?", "a bee   x", "a be|  ")]
    [InlineData(@"(?>\s+)a|\s", "  a b", "  a| ")]
    [InlineData(@"[a-z]*+\d|[a-z]{1,2}+", "abc1xyz", "abc1|xyz")]
    [InlineData(@"[^\r\n\p{L}\p{N}]?+\p{L}+", "!ab 12c", "!ab|c")]
    [InlineData(@"^.|.$", "ab\ncd", "a|b|c|d")]
    [InlineData(@"\A.|.\z|\b[a-z]", "ab cd", "a|c|d")]
    [InlineData(@"(?<=[a-z])[A-Z ]|(?<!\s)\s", "aB  c", "B| ")]
    [InlineData(@"(?<=the|a )x", "thex a xx", "x|x")]
    [InlineData(@"(?i:'s|'t)", "'S'\u017F't", "'S|'\u017F|'t")]
    [InlineData(@"(?i)k|[^a-y]", "K\u212AzA", "K|\u212A|z")]
    [InlineData(@"a(?i)b|c", "aBaCxC", "aB|aC")]
    [InlineData(@" ?[^(\s|[.,!?…。，、।۔،])]+", "ab, (c|d)", "ab|c|d")]
    [InlineData(@"[\p{L}&&[^\p{Han}]]+", "ab中cd", "ab|cd")]
    [InlineData(@"[]a-]+|[-z]", "a]-bz", "a]-|z")]
    [InlineData(@"[A-Za-z𐐀-𐑏]+", "a𐐀b🚀𐑏", "a𐐀b|𐑏")]
    [InlineData(@".{1,2}", "🚀🚀🚀", "🚀🚀|🚀")]
    [InlineData(@"\w+", "a½ é_\u200D", "a½|é_")]
    [InlineData(@"[\w]+", "a½ é_", "a|é_")]
    [InlineData(@"\h+|\R", "xfF\r\n\n", "fF|\r\n|\n")]
    [InlineData(@"{a|x{,2}y|a{1}", "{axxya", "{a|xxy|a")]
    [InlineData(@"\p{L}{2}?", "abc", "ab|")]
    [InlineData(@"\p{^L}+|\P{N}", "a1-b2", "a|1-|b|2")]
    [InlineData(@"[\x{2581}\u00e9\x41-\x43]+", "▁éAD", "▁éA")]
    [InlineData(@"(?:'[sS])?[a-z](?:,|\.)?", "'sa.b", "'sa.|b")]
    [InlineData(@"(?#nothing)(?<name>a)(?m:.)", "a\n", "a\n")]
    public void A_pattern_matches_what_oniguruma_matches(string pattern, string text, string expected) =>
        Assert.Equal(expected, string.Join('|', Matches(pattern, text)));

    [Fact]
    public void A_repetition_of_nothing_matches_between_characters_and_not_behind_a_match() =>
        Assert.Equal(["", "x", ""], Matches("x*", "axb"));

    [Theory]
    [InlineData("(a", "a group that does not end")]
    [InlineData("a)", "a ')' without its '('")]
    [InlineData("[a", "a '[' without its ']'")]
    [InlineData("*a", "a '*' with nothing before it")]
    [InlineData("[z-a]", "a range whose higher end comes first")]
    [InlineData(@"\", "a '\\' at its end")]
    [InlineData(@"\k<a>", "'\\k', which is not supported")]
    [InlineData(@"\x{110000}", "the code point '110000', which is none")]
    [InlineData(@"[[:alpha:]]", "a set named in '[:' and ':]', which is not supported")]
    [InlineData(@"(?<=a+)b", "a condition on what comes before whose length is not fixed")]
    [InlineData(@"(a*)*", "a repetition of a part that may be empty")]
    [InlineData(@"(?~a)", "a kind of group that is not supported")]
    [InlineData(@"(?x)a b", "a kind of group that is not supported")]
    [InlineData("a{2000}", "a count that is not supported (beyond 1000, or the higher first)")]
    [InlineData("(ab){99999999999}", "a count that is not supported (beyond 1000, or the higher first)")]
    [InlineData("((ab){1000}){1000}", "more parts than are supported")]
    public void What_is_damaged_or_not_supported_is_named(string pattern, string problem) =>
        Assert.Equal(problem, Assert.Throws<PatternException>(() => Matches(pattern, "a")).Message);

    [Fact]
    public void Groups_and_sets_nest_only_so_deep()
    {
        Assert.Throws<PatternException>(() => Matches(new string('(', 100_000), ""));
        Assert.Throws<PatternException>(() => Matches(new string('[', 100_000), ""));
    }

    // Within the limit on steps, which is linear in the length, so these fail if a pattern becomes quadratic.
    [Theory]
    [InlineData(@"\s+$", ' ')]
    [InlineData(@"\s*[\r\n]+|\s+(?!\S)|\s+", ' ')]
    [InlineData(@"[\p{Lu}\p{M}]*[\p{Ll}]+|\p{Lu}", 'A')]
    [InlineData(@"a++b|a", 'a')]
    [InlineData(@"a*?b|a", 'c')]
    public void Long_runs_are_not_quadratic(string pattern, char c)
    {
        var text = new string(c, 1_000_000) + "x";
        var matches = new List<(int, int)>();
        new PatternMatcher(new PatternProgram(pattern, PatternParser.Parse(pattern))).FindAll(text, matches);
        Assert.Equal(pattern is @"\s+$" or @"a*?b|a" ? 0 : matches.Count, matches.Count);
    }

    [Fact]
    public void A_pattern_that_takes_exponentially_long_ends_in_a_sentence()
    {
        var error = Assert.Throws<SpecDecodeException>(() => Matches("(?:a|a)+b", new string('a', 60)));
        Assert.Contains("'(?:a|a)+b' of the tokenizer takes too long on a text of 60 characters", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Remembered_failures_change_no_match()
    {
        // Every text of a few letters, against the same pattern without anything to remember.
        var memory = new PatternMatcher(new PatternProgram("", PatternParser.Parse(@"\s+$|\s+a|[ab]*c|b+(?!a)|[ab]")));
        var plain = new System.Text.RegularExpressions.Regex(@"\s+$|\s+a|[ab]*c|b+(?!a)|[ab]", System.Text.RegularExpressions.RegexOptions.Multiline);
        for (int number = 0; number < 4096 * 4; number++)
        {
            var text = string.Concat(Enumerable.Range(0, 7).Select(i => "ab c"[number >> (2 * i) & 3]));
            var matches = new List<(int Start, int End)>();
            memory.FindAll(text, matches);
            Assert.Equal(plain.Matches(text).Select(match => (match.Index, match.Index + match.Length)), matches);
        }
    }

    private static IEnumerable<string> Matches(string pattern, string text)
    {
        var matches = new List<(int Start, int End)>();
        new PatternMatcher(new PatternProgram(pattern, PatternParser.Parse(pattern))).FindAll(text, matches);
        return matches.Select(match => text[match.Start..match.End]);
    }
}
