using System.Text;
using SpecDecode.Grammars;
using SpecDecode.Grammars.Masks;
using SpecDecode.Tests.Tokenizers;
using SpecDecode.Tokenizers;

namespace SpecDecode.Tests.Grammars;

public sealed class ForcedRunTests
{
    private const string Schema = """{"type":"object","properties":{"first_name":{"type":"string"},"is_known":{"const":true}},"required":["first_name","is_known"]}""";

    [Fact]
    public void What_must_follow_is_known_up_to_the_first_choice()
    {
        var grammar = Grammar.OfJsonSchema(Schema).For(GrammarTexts.Vocabulary());
        ForcedRun run = new(grammar.Machine, grammar.Vocabulary);
        Assert.Equal("{\"first_name\":\"", Encoding.UTF8.GetString(run.BytesOf(grammar.Machine.Start, out var end)));
        Assert.Empty(run.BytesOf(end, out _));
        var behind = GrammarTexts.Run(grammar.Machine, "{\"first_name\":\"x\""u8);
        Assert.Equal(",\"is_known\":true}", Encoding.UTF8.GetString(run.BytesOf(behind, out end)));
        Assert.True(end.MayEnd);
    }

    [Fact]
    public void The_end_token_is_forced_where_nothing_else_may_follow()
    {
        var grammar = Grammar.OfChoices(["yes", "yesterday"]).For(GrammarTexts.Vocabulary("yes", "yester", "day"));
        var matcher = grammar.CreateMatcher();
        int[] tokens = new int[8];
        // "yes" would be another token together with "ter".
        Assert.Equal(0, matcher.Forced(tokens));
        Assert.True(matcher.TryAdvance(257));
        Assert.Equal(2, matcher.Forced(tokens));
        Assert.Equal([258, grammar.Vocabulary.EndTokens[0]], tokens[..2]);
        Assert.Equal(1, matcher.Forced(tokens.AsSpan(0, 1)));
        Assert.True(matcher.TryAdvance(258));
        Assert.Equal(1, matcher.Forced(tokens));
        Assert.True(matcher.TryAdvance(tokens[0]));
        Assert.Equal(0, matcher.Forced(tokens));
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama2")]
    [InlineData("phi3")]
    [InlineData("story")]
    public void Forced_tokens_are_those_of_the_tokenizer_and_what_follows_does_not_change_them(string name)
    {
        var tokenizer = TextTokenizer.Load(name == "story" ? TokenizerFiles.BundledModel : TokenizerFiles.ThirdParty("tokenizers", name, "tokenizer.json"));
        var vocabulary = TokenVocabulary.Of(tokenizer, tokenizer.VocabularySize, [tokenizer.VocabularySize - 1]);
        var grammar = Grammar.OfJsonSchema(Schema).For(vocabulary);
        var matcher = grammar.CreateMatcher();
        int[] tokens = new int[64];
        int count = matcher.Forced(tokens);
        Assert.True(count > 0);
        string forced = string.Concat(tokens[..count].Select(token => Encoding.UTF8.GetString(vocabulary.BytesOf(token))));
        Assert.StartsWith(forced, "{\"first_name\":\"", StringComparison.Ordinal);
        foreach (int token in tokens[..count])
            Assert.True(matcher.TryAdvance(token));

        // Whatever the name is, the tokenizer cuts the text before it in this way.
        foreach (string value in (string[])["Anna", "\\\"", "1", " x", "\",", "é", "_", ".", "s"])
        {
            int[] all = tokenizer.Encode("\n{\"first_name\":\"" + value, addSpecialTokens: false);
            int[] before = tokenizer.Encode("\n", addSpecialTokens: false);
            Assert.Equal(tokens[..count], all[before.Length..(before.Length + count)]);
        }
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama2")]
    [InlineData("phi3")]
    [InlineData("story")]
    public void The_bytes_of_tokens_are_what_they_add_to_a_text(string name)
    {
        var tokenizer = TextTokenizer.Load(name == "story" ? TokenizerFiles.BundledModel : TokenizerFiles.ThirdParty("tokenizers", name, "tokenizer.json"));
        var vocabulary = TokenVocabulary.Of(tokenizer, tokenizer.VocabularySize + 7, []);
        Random random = new(1);
        for (int i = 0; i < 2000; i++)
        {
            string text = "a" + TokenizerFiles.RandomText(random, 20);
            int[] tokens = tokenizer.Encode("b" + text, addSpecialTokens: false);
            int[] first = tokenizer.Encode("b", addSpecialTokens: false);
            if (!tokens.AsSpan().StartsWith(first))
                continue;
            byte[] bytes = [.. tokens[first.Length..].SelectMany(token => vocabulary.BytesOf(token).ToArray())];
            Assert.Equal(tokenizer.Decode(tokens)[1..], Encoding.UTF8.GetString(bytes));
        }
        Assert.True(vocabulary.BytesOf(vocabulary.Size - 1).IsEmpty);
    }
}
