using System.Globalization;
using SpecDecode.Grammars;
using SpecDecode.Grammars.Automata;

namespace SpecDecode.Tests.Grammars;

/// <summary>Masks against every token's bytes tried on <see cref="ReferenceRecogniser"/>.</summary>
public sealed class GrammarMaskTests
{
    // A tenth by default, all in long runs, or so many as SPECDECODE_TEST_GRAMMAR_STATES asks for.
    private static readonly int States = int.TryParse(Environment.GetEnvironmentVariable("SPECDECODE_TEST_GRAMMAR_STATES"), CultureInfo.InvariantCulture, out int count)
        ? count
        : TestScale.Cases(20_000, 200_000);

    // SPECDECODE_TEST_GRAMMAR_FIRST_SEED goes on where another run has ended, or back to the seed that a failure names.
    private static readonly int FirstSeed = int.TryParse(Environment.GetEnvironmentVariable("SPECDECODE_TEST_GRAMMAR_FIRST_SEED"), CultureInfo.InvariantCulture, out int seed) ? seed : 0;

    [Fact]
    public void A_mask_has_exactly_the_tokens_whose_bytes_may_follow()
    {
        int compared = 0, open = 0, ended = 0, even = 0;
        for (int seed = FirstSeed; compared < States; seed++)
        {
            Random random = new(seed);
            var rules = RandomGrammars.Rules(random);
            byte[]?[] tokens = RandomGrammars.Tokens(random);
            TokenVocabulary vocabulary = new(tokens, [tokens.Length - 2]);
            Grammar grammar;
            try
            {
                grammar = new(NetworkBuilder.Build(rules), "random");
            }
            catch (GrammarException)
            {
                continue;
            }
            var tokenGrammar = grammar.For(vocabulary);
            var start = ReferenceRecogniser.Of(rules);
            for (int walk = 0; walk < 3; walk++)
                compared += Walk(tokenGrammar, start, random, $"seed {seed}", ref open, ref ended, ref even);
        }

        // The walks are worth something: texts end, tokens reach over what a rule knows, and many are allowed at once.
        Assert.True(ended > States / 1000, $"{ended} texts ended.");
        Assert.True(open > States / 100, $"{open} masks had tokens that end in another rule.");
        Assert.True(even > States / 100, $"{even} masks allowed all words of some letters at once.");
    }

    private static int Walk(TokenGrammar grammar, ReferenceRecogniser reference, Random random, string name, ref int open, ref int ended, ref int even)
    {
        var vocabulary = grammar.Vocabulary;
        var matcher = grammar.CreateMatcher(canonical: false);
        var bits = new ulong[vocabulary.MaskLength];
        int compared = 0;
        for (int length = 0; length < 40; length++)
        {
            bool any = matcher.FillMask(bits);
            var allowed = new List<(int Token, ReferenceRecogniser Next)>();
            var cache = new Dictionary<string, ReferenceRecogniser>();
            try
            {
                for (int token = 0; token < vocabulary.Size; token++)
                {
                    bool expected = Allows(reference, vocabulary, token, cache, out var next);
                    bool found = (bits[token >> 6] >> token & 1) != 0;
                    Assert.True(expected == found, $"{name}, length {length}: token {token} '{Convert.ToHexString(vocabulary.BytesOf(token))}' is {found}, should be {expected}.");
                    if (expected)
                        allowed.Add((token, next));
                }
            }
            catch (InvalidOperationException)
            {
                return compared;
            }
            compared++;
            Assert.Equal(allowed.Count > 0, any);
            Assert.Equal(reference.MayEnd, matcher.MayEnd);
            even += AllowsWords(grammar, matcher.State.Outline!) ? 1 : 0;
            open += matcher.State.Outline?.Mask?.Open.Length > 0 ? 1 : 0;
            if (allowed.Count == 0)
                break;
            var (chosen, after) = allowed[random.Next(allowed.Count)];
            Assert.True(matcher.TryAdvance(chosen));
            if (vocabulary.IsEnd(chosen))
            {
                ended++;
                Assert.False(matcher.FillMask(bits));
                matcher.Rollback(1);
                break;
            }
            if (random.Next(10) == 0)
            {
                matcher.Rollback(1);
                Assert.True(matcher.TryAdvance(chosen));
            }
            reference = after;
        }
        return compared;
    }

    // Whether there is a beginning that many tokens have which go on with bytes that all may follow.
    private static bool AllowsWords(TokenGrammar grammar, GrammarState outline)
    {
        var trie = grammar.Vocabulary.Trie;
        for (int node = 0; node < trie.Count; node = trie.Nodes[node].End)
        {
            if (trie.Nodes[node].Crown is >= 0 and var number && trie.Crowns[number] is { Height: > 1 } crown && trie.Nodes[node].End - node > 10
                && EvenBytes.AllFollow(grammar.Machine, grammar.Machine.Step(outline, trie.Nodes[node].Byte), crown.Bytes, crown.Height, long.MaxValue))
            {
                return true;
            }
        }
        return false;
    }

    private static bool Allows(ReferenceRecogniser state, TokenVocabulary vocabulary, int token, Dictionary<string, ReferenceRecogniser> cache, out ReferenceRecogniser next)
    {
        next = state;
        if (vocabulary.IsEnd(token))
            return state.MayEnd;
        var bytes = vocabulary.BytesOf(token);
        for (int i = 1; i <= bytes.Length; i++)
        {
            string key = Convert.ToHexString(bytes[..i]);
            if (!cache.TryGetValue(key, out var known))
                cache.Add(key, known = next.Step(bytes[i - 1]));
            next = known;
        }
        return bytes.Length > 0 && next.IsAlive;
    }
}
