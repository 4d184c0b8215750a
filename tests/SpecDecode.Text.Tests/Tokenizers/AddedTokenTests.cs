using SpecDecode.Tokenizers;

namespace SpecDecode.Tests.Tokenizers;

/// <summary>What Hugging Face tokenizers 0.23.2 makes of added tokens, by running it.</summary>
public class AddedTokenTests
{
    [Theory]
    [InlineData("a:5", "abc", new[] { 0, 1, 2 }, "the token 'a' the id 5, but it counts as 0, its id in the vocabulary")]
    [InlineData("a:1", "abc", new[] { 0, 1, 2 }, "the token 'a' the id 1, but it counts as 0, its id in the vocabulary")]
    [InlineData("x:1", "axb", new[] { 0, 3, 1 }, "the token 'x' the id 1, but it counts as 3, the next one behind the vocabulary")]
    [InlineData("x:10 y:12", "axby", new[] { 0, 3, 1, 4 }, "the token 'x' the id 10, but it counts as 3, the next one behind the vocabulary, as in Hugging Face tokenizers; so it is with 1 more")]
    [InlineData("x:4 y:3", "axby", new[] { 0, 3, 1, 4 }, "so it is with 1 more")]
    [InlineData("a:0 x:5 b:1 z:9", "axbz", new[] { 0, 3, 1, 4 }, "the token 'x' the id 5")]
    [InlineData("x:3 x:4", "axb", new[] { 0, 3, 1 }, "the token 'x' the id 4")]
    public void Ids_that_the_file_could_not_keep_are_those_of_the_reference_and_a_warning_says_so(string added, string text, int[] expected, string said)
    {
        var tokenizer = Load(added, """{ "a": 0, "b": 1, "c": 2 }""");
        Assert.Equal(expected, tokenizer.Encode(text));
        Assert.Contains(said, Assert.Single(tokenizer.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void New_tokens_are_numbered_from_the_number_of_tokens_on_also_where_the_vocabulary_has_holes()
    {
        var tokenizer = Load("x:9 c:7 y:9", """{ "a": 0, "b": 1, "c": 7 }""");
        Assert.Equal([3, 7, 4], tokenizer.Encode("xcy"));
        Assert.Equal("xcy", tokenizer.Decode([3, 7, 4]));
        Assert.Equal(8, tokenizer.VocabularySize);
    }

    [Fact]
    public void The_most_that_a_token_stands_for_counts_added_tokens_as_the_normalizer_has_them()
    {
        var tokenizer = TokenizerFiles.Load(TokenizerFiles.WithBytes(TokenizerFiles.ByteFallback)
            .Replace("""{ "type": "Prepend", "prepend": "▁" }""", """{ "type": "Replace", "pattern": { "String": "ß" }, "content": "ssssss" }""", StringComparison.Ordinal)
            .Replace("""{ "id": 2, "content": "</s>",""", """{ "id": 265, "content": "ßß", "normalized": true }, { "id": 2, "content": "</s>",""", StringComparison.Ordinal));
        string text = string.Concat(Enumerable.Repeat("ssssssssssss", 5));
        int tokens = tokenizer.Encode(text, addSpecialTokens: false).Length;
        Assert.Equal(5, tokens);
        Assert.True(text.Length <= tokens * tokenizer.MostUnitsPerToken, $"{text.Length} characters are {tokens} tokens of at most {tokenizer.MostUnitsPerToken}.");
    }

    [Fact]
    public void Ids_as_the_file_has_them_are_no_warning()
    {
        var tokenizer = Load("a:0 x:3 y:4", """{ "a": 0, "b": 1, "c": 2 }""");
        Assert.Equal([0, 3, 4], tokenizer.Encode("axy"));
        Assert.Empty(tokenizer.Warnings);
    }

    [Fact]
    public void Of_a_token_that_is_there_twice_the_later_one_counts_and_it_is_special_if_one_is()
    {
        var tokenizer = TokenizerFiles.Letters(
            """
            "added_tokens": [ { "id": 3, "content": "x", "special": true }, { "id": 3, "content": "x", "rstrip": true } ], "decoder": { "type": "Fuse" },
            """, "ab ");
        Assert.Equal([0, 3, 0], tokenizer.Encode("ax  a", parseSpecialTokens: true));
        Assert.Equal("aa", tokenizer.Decode([0, 3, 0]));
    }

    [Fact]
    public void An_added_token_that_the_normalizer_rewrites_is_found_and_decoded_as_what_it_makes_of_it()
    {
        var tokenizer = TokenizerFiles.Letters(
            """
            "normalizer": { "type": "Lowercase" }, "decoder": { "type": "Fuse" },
            "added_tokens": [ { "id": 3, "content": "XY", "normalized": true }, { "id": 4, "content": "ZZ", "normalized": false } ],
            """, "abc");
        Assert.Equal([0, 3, 1], tokenizer.Encode("aXYb"));
        Assert.Equal([0, 3, 1], tokenizer.Encode("axyb"));
        Assert.Equal("axyb", tokenizer.Decode([0, 3, 1]));
        Assert.Equal("aZZ", tokenizer.Decode([0, 4]));
        var stream = tokenizer.CreateStream();
        Assert.Equal("xy", stream.Append(3));
    }

    [Fact]
    public void A_special_token_that_the_normalizer_rewrites_has_no_text_unless_asked_for_and_is_found_before_others()
    {
        var tokenizer = TokenizerFiles.Letters(
            """
            "normalizer": { "type": "Lowercase" }, "decoder": { "type": "Fuse" },
            "added_tokens": [ { "id": 3, "content": "XY", "normalized": true }, { "id": 4, "content": "Xy", "normalized": true, "special": true } ],
            """, "abc");
        Assert.Equal([0, 4, 1], tokenizer.Encode("aXYb", parseSpecialTokens: true));
        Assert.Equal([0, 3, 1], tokenizer.Encode("aXYb"));
        Assert.Equal("ab", tokenizer.Decode([0, 4, 1]));
        Assert.Equal("axyb", tokenizer.Decode([0, 4, 1], skipSpecialTokens: false));
    }

    [Fact]
    public void An_added_token_that_the_normalizer_turns_into_nothing_is_found_nowhere_and_has_no_text()
    {
        var tokenizer = TokenizerFiles.Letters(
            """
            "normalizer": { "type": "Replace", "pattern": { "String": "X" }, "content": "" }, "decoder": { "type": "Fuse" },
            "added_tokens": [ { "id": 3, "content": "X", "normalized": true } ],
            """, "abc");
        Assert.Equal([0, 1], tokenizer.Encode("aXb"));
        Assert.Equal("ab", tokenizer.Decode([0, 3, 1]));
    }

    private static TextTokenizer Load(string added, string vocab)
    {
        var tokens = added.Split(' ').Select(token => token.Split(':')).Select(token => $$"""{ "id": {{token[1]}}, "content": "{{token[0]}}", "normalized": false }""");
        return TokenizerFiles.Load($$"""
            { "added_tokens": [ {{string.Join(", ", tokens)}} ], "decoder": { "type": "Fuse" }, "model": { "type": "BPE", "vocab": {{vocab}}, "merges": [] } }
            """);
    }
}
