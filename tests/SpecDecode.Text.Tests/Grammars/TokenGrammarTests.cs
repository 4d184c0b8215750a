using SpecDecode.Grammars;

namespace SpecDecode.Tests.Grammars;

/// <summary>What texts share of a grammar: by many threads at once, and when it is emptied.</summary>
public sealed class TokenGrammarTests
{
    private static readonly TokenVocabulary Vocabulary = GrammarTexts.Vocabulary("{\"", "\":", "\",\"", "},{", "]}", "]]", "true", "12", "abc", "é", ",\"", "\"}", "\"]");

    private static readonly (string Name, string Schema)[] Schemas = [.. JsonSchemaTexts.Written.Where((_, i) => i % 7 == 0)];

    [Fact]
    public void Masks_are_the_same_when_nothing_can_be_remembered_for_long()
    {
        foreach (var (name, schema) in Schemas)
        {
            var grammar = Grammar.OfJsonSchema(schema);
            List<ulong[]> expected = Walk(grammar.For(Vocabulary), seed: 1);
            Assert.Equal(expected, Walk(new TokenGrammar(grammar, Vocabulary, maxItems: 40, maxMaskBytes: 100), seed: 1));
            Assert.True(expected.Count > 0, name);
        }
    }

    [Fact]
    public void Threads_share_a_grammar()
    {
        foreach (var (_, schema) in Schemas)
        {
            var grammar = Grammar.OfJsonSchema(schema);
            List<ulong[]>[] expected = [.. Enumerable.Range(0, 6).Select(seed => Walk(new TokenGrammar(grammar, Vocabulary), seed))];
            TokenGrammar shared = new(grammar, Vocabulary, maxItems: 2000);
            List<ulong[]>[] found = new List<ulong[]>[expected.Length];
            Parallel.For(0, expected.Length, new ParallelOptions { MaxDegreeOfParallelism = 6 }, seed => found[seed] = Walk(shared, seed));
            Assert.Equal(expected, found);
        }
    }

    [Fact]
    public void A_known_text_allocates_nothing()
    {
        var grammar = Grammar.OfJsonSchema("""{"type":"object","properties":{"a":{"type":"string","maxLength":50},"b":{"type":"array","items":{"type":"integer"}}},"required":["a","b"]}""")
            .For(Vocabulary);
        var matcher = grammar.CreateMatcher();
        ulong[] bits = new ulong[Vocabulary.MaskLength];
        int[] run = new int[32], tokens = [.. """{"a":"xyz é","b":[1,2,34]}"""u8.ToArray().Select(b => (int)b)];
        long allocated = 0;
        for (int turn = 0; turn < 3; turn++)
        {
            allocated = GC.GetAllocatedBytesForCurrentThread();
            foreach (int token in tokens)
            {
                matcher.FillMask(bits);
                matcher.Forced(run);
                Assert.True(matcher.Allows(token) && matcher.TryAdvance(token));
            }
            allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
            Assert.True(matcher.MayEnd);
            matcher.Rollback(tokens.Length);
        }
        Assert.Equal(0, allocated);
    }

    private static List<ulong[]> Walk(TokenGrammar grammar, int seed)
    {
        Random random = new(seed);
        var matcher = grammar.CreateMatcher();
        List<ulong[]> masks = [];
        for (int i = 0; i < 60 && !matcher.IsEnded; i++)
        {
            ulong[] bits = new ulong[Vocabulary.MaskLength];
            Assert.True(matcher.FillMask(bits));
            masks.Add(bits);
            int[] allowed = [.. Enumerable.Range(0, Vocabulary.Size).Where(token => (bits[token >> 6] >> token & 1) != 0)];
            Assert.True(matcher.TryAdvance(allowed[random.Next(allowed.Length)]));
        }
        return masks;
    }
}
