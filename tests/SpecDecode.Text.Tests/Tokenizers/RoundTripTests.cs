using SpecDecode.Tokenizers;

namespace SpecDecode.Tests.Tokenizers;

public class RoundTripTests
{
    [Theory]
    [InlineData("byte-level")]
    [InlineData("byte fallback")]
    [InlineData("llama.model")]
    [InlineData("uds.model")]
    [InlineData("nodummy.model")]
    [InlineData("strays.model")]
    [InlineData("unigram-bytes.model")]
    public void Decoding_inverts_encoding_of_random_unicode(string kind)
    {
        var tokenizer = Load(kind);
        var random = new Random(1);
        for (int round = 0; round < 300; round++)
        {
            // Written ▁ and space are one and the same in the byte-fallback kind.
            var text = TokenizerFiles.RandomText(random, random.Next(200)).Replace('▁', 'x');
            Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
        }
    }

    [Fact]
    public void The_bundled_model_puts_its_begin_token_before_the_text_only_when_asked()
    {
        var tokenizer = TextTokenizer.Load(TokenizerFiles.BundledModel);
        var bare = tokenizer.Encode("Once upon a time", addSpecialTokens: false);
        Assert.Equal([0, .. bare], tokenizer.Encode("Once upon a time"));
        Assert.Equal(4096, tokenizer.VocabularySize);
        Assert.Equal("<|endoftext|>Once upon a time", tokenizer.Decode([0, .. bare], skipSpecialTokens: false));
    }

    [Theory]
    [InlineData("byte-level")]
    [InlineData("byte fallback")]
    [InlineData("uds.model")]
    [InlineData("tsv.model")]
    [InlineData("unigram")]
    [InlineData("unigram-uds.model")]
    public void A_stream_with_a_context_gives_what_decoding_adds_after_it(string kind)
    {
        var tokenizer = Load(kind);
        var random = new Random(2);
        for (int round = 0; round < 500; round++)
        {
            int[] context = RandomIds(random, tokenizer.VocabularySize);
            int[] ids = RandomIds(random, tokenizer.VocabularySize);
            var whole = tokenizer.CreateStream();
            var before = string.Concat(context.Select(whole.Append));
            var stream = tokenizer.CreateStream(context);
            var added = string.Concat(ids.Select(stream.Append)) + stream.Flush();
            Assert.Equal(tokenizer.Decode([.. context, .. ids]), before + added);

            // The text that a context completes is its whole text unless it ends within a character.
            var alone = tokenizer.Decode(context);
            Assert.StartsWith(before, alone, StringComparison.Ordinal);
            Assert.True(alone[before.Length..].All(c => c == '\uFFFD'));
        }
    }

    [Fact]
    public void A_long_text_has_the_ids_of_its_words_encoded_apart()
    {
        var tokenizer = TokenizerFiles.LoadByteFallback();
        var text = string.Concat(Enumerable.Repeat("ab b\u00E9 a\U0001F680b ", 50)).TrimEnd();
        var words = text.Split(' ').SelectMany(word => tokenizer.Encode(word, addSpecialTokens: false));
        Assert.Equal(words, tokenizer.Encode(text, addSpecialTokens: false));
    }

    [Fact]
    public void A_lone_surrogate_counts_as_the_replacement_character()
    {
        var tokenizer = TextTokenizer.Load(TokenizerFiles.BundledModel);
        Assert.Equal(tokenizer.Encode("a\uFFFDb"), tokenizer.Encode("a\uD800b"));
    }

    private static TextTokenizer Load(string kind) => kind switch
    {
        "byte-level" => TextTokenizer.Load(TokenizerFiles.BundledModel),
        "byte fallback" => TokenizerFiles.LoadByteFallback(),
        "unigram" => TokenizerFiles.Load(TokenizerFiles.WithBytes(TokenizerFiles.Unigram)),
        _ => TextTokenizer.Load(Path.Combine(ReferenceCaseTests.Folder("SentencePieceCases"), kind)),
    };

    private static int[] RandomIds(Random random, int size) => [.. Enumerable.Range(0, random.Next(12)).Select(_ => random.Next(size))];
}
