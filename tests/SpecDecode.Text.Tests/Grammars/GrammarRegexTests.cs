using System.Text.RegularExpressions;
using SpecDecode.Grammars;

namespace SpecDecode.Tests.Grammars;

public sealed class GrammarRegexTests
{
    [Theory]
    [InlineData("[a-c]+\\d{2,3}", "abc12", true)]
    [InlineData("[a-c]+\\d{2,3}", "abc1", false)]
    [InlineData("^yes|no$", "yes", true)]
    [InlineData("^(yes|no)$", "no", true)]
    [InlineData("(?:a|b)*?c", "ababc", true)]
    [InlineData("(?<year>\\d{4})", "2024", true)]
    [InlineData("\\u00e9\\x41\\u{1F600}\\uD83D\\uDE00", "éA😀😀", true)]
    [InlineData("[^\\n]", "😀", true)]
    [InlineData(".", "\n", false)]
    [InlineData("[]", "a", false)]
    [InlineData("[^]", "\n", true)]
    [InlineData("a{,2}", "a{,2}", true)]
    [InlineData("\\p{Lu}\\p{Letter}+", "Éa", true)]
    [InlineData("a{1000}", "a", false)]
    [InlineData("[\\w.+-]+@[\\w-]+\\.[a-z]{2,}", "a.b@c-d.org", true)]
    public void An_expression_matches_the_whole_text(string pattern, string text, bool matches)
    {
        if (pattern == "[]")
            Assert.Throws<GrammarException>(() => Grammar.OfRegex(pattern));
        else
            Assert.Equal(matches, GrammarTexts.Accepts(Grammar.OfRegex(pattern), text));
    }

    [Theory]
    [InlineData("a(?=b)", "(?=")]
    [InlineData("a(?<!b)", "(?<!")]
    [InlineData("(a)\\1", "\\1")]
    [InlineData("\\bword", "\\b")]
    [InlineData("a$b", "middle")]
    [InlineData("(", "')'")]
    [InlineData("[a", "']'")]
    [InlineData("*", "nothing before")]
    [InlineData("a{9999999}", "more than 1000000")]
    [InlineData("(((a{1,5000}){1,5000}){1,5000}b?){5000}\\p{Greek}", "Greek")]
    public void What_cannot_be_honoured_is_refused_by_name(string pattern, string named)
    {
        Assert.Contains(named, Assert.Throws<GrammarException>(() => Grammar.OfRegex(pattern)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Random_expressions_match_what_the_platform_says()
    {
        int matched = 0;
        for (int seed = 0; seed < 3000; seed++)
        {
            Random random = new(seed);
            string pattern = Make(random, 3);
            Regex expected = new($"\\A(?:{pattern})\\z", RegexOptions.NonBacktracking);
            Grammar grammar;
            try
            {
                grammar = Grammar.OfRegex(pattern);
            }
            catch (GrammarException error) when (error.Message.Contains("fits no text", StringComparison.Ordinal))
            {
                continue;
            }
            for (int i = 0; i < 20; i++)
            {
                string text = string.Concat(Enumerable.Range(0, random.Next(8)).Select(_ => "abc1"[random.Next(4)]));
                bool found = GrammarTexts.Accepts(grammar, text);
                matched += found ? 1 : 0;
                Assert.True(expected.IsMatch(text) == found, $"seed {seed}: {pattern} on '{text}'");
            }
        }
        Assert.True(matched > 1000, $"{matched} matched.");
    }

    private static string Make(Random random, int depth)
    {
        if (depth == 0)
            return random.Next(5) switch { 0 => "[ab]", 1 => "\\d", 2 => "[^a]", _ => "abc"[random.Next(3)].ToString() };
        string inner = Make(random, depth - 1);
        return random.Next(9) switch
        {
            0 => $"({inner}|{Make(random, depth - 1)})",
            1 => $"(?:{inner})*",
            2 => $"(?:{inner})+?",
            3 => $"({inner})?",
            4 => $"(?:{inner}){{{random.Next(3)},{random.Next(3, 5)}}}",
            5 => $"(?:{inner}){{{random.Next(1, 3)},}}",
            6 => $"[ab]{{1,60}}{inner}",
            _ => inner + Make(random, depth - 1),
        };
    }
}
