using System.Runtime.CompilerServices;
using SpecDecode.Grammars;
using SpecDecode.Grammars.Expressions;

namespace SpecDecode.Tests.Grammars;

/// <summary>Which grammars are kept, and how much memory they may take together.</summary>
public sealed class GrammarCacheTests
{
    private const long Megabyte = 1 << 20;

    [Fact]
    public void The_last_ones_are_kept_and_the_one_that_was_asked_for_longest_ago_leaves()
    {
        GrammarCache cache = new(maxEntries: 3, maxBytes: 100 * Megabyte);
        Grammar[] grammars = [.. "abc".Select(letter => Get(cache, $"{letter}"))];
        Assert.Same(grammars[0], Get(cache, "a"));
        Get(cache, "d");
        Assert.Same(grammars[0], Get(cache, "a"));
        Assert.Same(grammars[2], Get(cache, "c"));
        Assert.NotSame(grammars[1], Get(cache, "b"));
    }

    [Fact]
    public void Large_grammars_leave_no_matter_how_few_but_the_one_that_was_asked_for_last_stays()
    {
        GrammarCache cache = new(maxEntries: 64, maxBytes: Megabyte);
        Grammar small = Get(cache, "x");
        for (int i = 0; i < 20; i++)
        {
            Grammar large = Get(cache, Letters(i, 12_000));
            Assert.InRange(large.Bytes, Megabyte / 3, 2 * Megabyte);
            Assert.InRange(cache.Bytes, large.Bytes, large.Bytes + Megabyte);
            Assert.Same(large, Get(cache, Letters(i, 12_000)));
            Assert.Same(small, Get(cache, "x"));
        }

        Assert.Same(Get(cache, Letters(0, 100_000)), Get(cache, Letters(0, 100_000)));
    }

    [Fact]
    public void What_is_remembered_of_a_grammar_counts_too()
    {
        GrammarCache cache = new(maxEntries: 64, maxBytes: Megabyte / 4);
        Grammar first = Get(cache, Letters(1, 1_000)), second = Get(cache, "y");
        Assert.Same(first, Get(cache, Letters(1, 1_000)));
        long before = first.Bytes;
        TokenVocabulary vocabulary = GrammarTexts.Vocabulary("ab", "ba", "abc");
        GrammarMatcher matcher = first.For(vocabulary).CreateMatcher(canonical: false);
        ulong[] bits = new ulong[vocabulary.MaskLength];
        foreach (char letter in Letters(1, 999))
        {
            Assert.True(matcher.FillMask(bits));
            Assert.True(matcher.TryAdvance(letter));
        }

        Assert.InRange(first.Bytes, before + 100_000, before + Megabyte);
        Assert.Same(second, Get(cache, "y"));
        Assert.NotSame(first, Get(cache, Letters(1, 1_000)));
    }

    [Fact]
    public void A_grammar_that_nobody_holds_goes_though_its_vocabulary_stays()
    {
        TokenVocabulary vocabulary = GrammarTexts.Vocabulary("ab");
        (WeakReference grammar, WeakReference bound) = Use(vocabulary);
        for (int turn = 0; turn < 20 && (grammar.IsAlive || bound.IsAlive); turn++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(grammar.IsAlive);
        Assert.False(bound.IsAlive);
        GC.KeepAlive(vocabulary);

        // Whoever holds it over a vocabulary alone still has it.
        TokenGrammar held = Held(vocabulary);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal("text", held.Grammar.ToString()[..4]);
        Assert.Same(held.Grammar.Network, held.Machine.Network);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (WeakReference Grammar, WeakReference Bound) Use(TokenVocabulary vocabulary)
    {
        Grammar grammar = Get(new GrammarCache(1, Megabyte), "abc");
        TokenGrammar bound = grammar.For(vocabulary);
        Assert.Same(bound, grammar.For(vocabulary));
        Assert.Same(grammar, bound.Grammar);
        Assert.True(bound.CreateMatcher(canonical: false).TryAdvance('a'));
        return (new(grammar), new(bound));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static TokenGrammar Held(TokenVocabulary vocabulary) => Get(new GrammarCache(1, Megabyte), "abc").For(vocabulary);

    private static Grammar Get(GrammarCache cache, string text) => cache.Get("text", text, static text => [Expression.Words([text])]);

    private static string Letters(int seed, int length)
    {
        Random random = new(seed);
        return string.Concat(Enumerable.Range(0, length).Select(_ => (char)('a' + random.Next(26))));
    }
}
