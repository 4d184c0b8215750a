using SpecDecode.Tokenizers;

namespace SpecDecode.Tests.Tokenizers;

public class PipelineTests
{
    [Theory]
    [InlineData("Removed", false, "the|final|countdown")]
    [InlineData("Isolated", false, "the|-|final|-|-|countdown")]
    [InlineData("MergedWithPrevious", false, "the-|final-|-|countdown")]
    [InlineData("MergedWithNext", false, "the|-final|-|-countdown")]
    [InlineData("Contiguous", false, "the|-|final|--|countdown")]
    [InlineData("Removed", true, "-|-|-")]
    public void A_split_treats_its_matches_as_its_behavior_says(string behavior, bool invert, string expected) =>
        Assert.Equal(expected, Words(
            $$"""{ "type": "Split", "pattern": { "String": "-" }, "behavior": "{{behavior}}", "invert": {{(invert ? "true" : "false")}} }""",
            "the-final--countdown"));

    [Theory]
    [InlineData("""{ "type": "Digits", "individual_digits": true }""", "Hey 123 friend!", "Hey |1|2|3| friend!")]
    [InlineData("""{ "type": "Digits", "individual_digits": false }""", "Hey 123 friend!", "Hey |123| friend!")]
    [InlineData("""{ "type": "Whitespace" }""", "How are you-doing?", "How|are|you|-|doing|?")]
    [InlineData("""{ "type": "WhitespaceSplit" }""", "Hey, man, Good?", "Hey,|man,|Good?")]
    [InlineData("""{ "type": "Punctuation" }""", "Hey, $man!", "Hey|,| |$|man|!")]
    [InlineData("""{ "type": "Punctuation" }""", "a\u2E42b\u2E43c\u166Dd", "a|\u2E42|b\u2E43c|\u166D|d")]
    [InlineData("""{ "type": "BertPreTokenizer" }""", "Hey, man! a\u00A0b", "Hey|,|man|!|a|b")]
    [InlineData("""{ "type": "FixedLength", "length": 2 }""", "a🚀\nbc", "a🚀|\nb|c")]
    [InlineData("""{ "type": "CharDelimiterSplit", "delimiter": "-" }""", "a--b", "a|b")]
    [InlineData("""{ "type": "Split", "pattern": { "Regex": "x*" }, "behavior": "Contiguous" }""", "abx", "a|b|x")]
    [InlineData("""{ "type": "Metaspace", "replacement": "▁" }""", "Hey   friend!", "▁Hey|▁|▁|▁friend!")]
    [InlineData("""{ "type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": false }""", "Hey friend", "Hey▁friend")]
    [InlineData("""{ "type": "ByteLevel", "add_prefix_space": true }""", "Hi  there's", "ĠHi|Ġ|Ġthere|'s")]
    [InlineData("""{ "type": "ByteLevel", "add_prefix_space": false, "use_regex": false }""", "a é", "aĠÃ©")]
    public void A_pre_tokenizer_cuts_as_the_reference_does(string json, string text, string expected) => Assert.Equal(expected, Words(json, text));

    [Fact]
    public void Letters_beyond_the_basic_plane_belong_to_words_and_emoji_do_not()
    {
        const string Pattern = """{ "type": "Split", "pattern": { "Regex": " ?\\p{L}+| ?[^\\s\\p{L}\\p{N}]+" }, "behavior": "Isolated" }""";
        Assert.Equal("𐐀a𝐁| 🦙🚀| 𐐨", Words(Pattern, "𐐀a𝐁 🦙🚀 𐐨"));
        Assert.Equal("🚀🚀|🚀", Words("""{ "type": "Split", "pattern": { "Regex": ".{1,2}" }, "behavior": "Isolated" }""", "🚀🚀🚀"));
    }

    [Theory]
    [InlineData("NFC", "e\u0301\u0327 \u1112\u1161\u11AB \u212B \u0958", "\u0229\u0301 \uD55C \u00C5 \u0915\u093C")]
    [InlineData("NFD", "\u1E69 \uD55C \u00C5", "s\u0323\u0307 \u1112\u1161\u11AB A\u030A")]
    [InlineData("NFKC", "\uFB01 \uFF21 \u00BD \U0001D400", "fi A 1\u20442 A")]
    [InlineData("NFKD", "\u01C4", "DZ\u030C")]
    [InlineData("NFKC", "\u32FE\u32FF \U0001FBF6", "\u30F2\u32FF \U0001FBF6")]
    [InlineData("NFC", "a\u0315\u0898\u0301", "a\u0315\u0898\u0301")]
    [InlineData("NFD", "\U00011938", "\U00011938")]
    [InlineData("Lowercase", "ÄΣ\U00010400İ", "äσ\U00010428i\u0307")]
    public void A_normalizer_writes_the_normal_form(string type, string text, string expected) =>
        Assert.Equal(expected, Normalized($$"""{ "type": "{{type}}" }""", text));

    [Theory]
    [InlineData("""{ "type": "Strip", "strip_left": true, "strip_right": false }""", " \u3000ab ", "ab ")]
    [InlineData("""{ "type": "Replace", "pattern": { "Regex": "\\s+" }, "content": " " }""", "a   b\n\nc", "a b c")]
    [InlineData("""{ "type": "Replace", "pattern": { "Regex": "b+" }, "content": "$0" }""", "abbc", "a$0c")]
    [InlineData("""{ "type": "Replace", "pattern": { "Regex": "^" }, "content": "x" }""", "a", "xa")]
    [InlineData("""{ "type": "Replace", "pattern": { "Regex": "^" }, "content": "x" }""", "", "")]
    [InlineData("""{ "type": "StripAccents" }""", "e\u0301\u0903a\u20DD", "ea")]
    [InlineData("""{ "type": "Nmt" }""", "a\u0001\u200Bb\tc\u2581", "a b c ")]
    [InlineData("""{ "type": "ByteLevel" }""", "a é", "aĠÃ©")]
    [InlineData("""{ "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true }""", "É\u0000中\tX", "e 中  x")]
    [InlineData("""{ "type": "BertNormalizer", "clean_text": false, "handle_chinese_chars": false, "strip_accents": false, "lowercase": false }""", "É\t中", "É\t中")]
    [InlineData("""{ "type": "Prepend", "prepend": "x" }""", "", "")]
    public void A_normalizer_rewrites_as_the_reference_does(string json, string text, string expected) => Assert.Equal(expected, Normalized(json, text));

    [Fact]
    public void Special_tokens_in_the_text_are_plain_text_unless_parsing_is_asked_for()
    {
        var tokenizer = Chat();
        var plain = tokenizer.Encode("a<|end|>b");
        Assert.DoesNotContain(16, plain);
        Assert.Equal("a<|end|>b", tokenizer.Decode(plain));
        Assert.Equal([Id('a'), 16, Id('b')], tokenizer.Encode("a<|end|>b", parseSpecialTokens: true));
    }

    [Fact]
    public void Added_tokens_that_are_not_special_are_always_found_longest_first()
    {
        Assert.Equal([Id('a'), 18, 17, Id('b')], Chat().Encode("a<t><t>><t>b"));
        Assert.Equal("<t>", Chat().Decode([17]));
    }

    [Fact]
    public void Added_tokens_take_the_white_space_that_they_strip_and_keep_to_single_words()
    {
        var tokenizer = Chat();
        Assert.Equal([Id('a'), 19, Id('b')], tokenizer.Encode("a \t[m] \n b"));
        Assert.Equal([Id('a'), Id(' '), 20, Id(' '), Id('b')], tokenizer.Encode("a ww b"));
        Assert.DoesNotContain(20, tokenizer.Encode("aww"));
    }

    [Fact]
    public void An_added_token_outside_the_models_vocabulary_is_no_part_of_words()
    {
        var tokenizer = TokenizerFiles.Load("""
            { "added_tokens": [ { "id": 3, "content": "x", "special": true }, { "id": 4, "content": "aa", "single_word": true } ],
              "model": { "type": "BPE", "ignore_merges": true, "unk_token": "?", "vocab": { "?": 0, "a": 1, "b": 2 }, "merges": [] } }
            """);
        Assert.Equal([1, 0, 1], tokenizer.Encode("axa"));
        Assert.Equal([1, 3, 1], tokenizer.Encode("axa", parseSpecialTokens: true));
        Assert.Equal([1, 1, 2], tokenizer.Encode("aab"));
        Assert.Equal([4], tokenizer.Encode("aa"));
    }

    [Fact]
    public void White_space_that_an_added_token_takes_along_is_looked_through_for_others()
    {
        var tokenizer = TokenizerFiles.Letters(
            """
            "added_tokens": [
              { "id": 7, "content": "[m]", "lstrip": true, "rstrip": true }, { "id": 8, "content": "  " },
              { "id": 1, "content": "\n", "lstrip": true, "rstrip": true } ],
            """, " \nab[m]");
        Assert.Equal([7, 8, 0, 2], tokenizer.Encode("[m]   a"));
        Assert.Equal([7, 2], tokenizer.Encode("[m] \na"));

        // A megabyte of it, each token with all of the rest to take along.
        Assert.Equal([1, 2], tokenizer.Encode(new string('\n', 1 << 20) + "a")[^2..]);
    }

    [Fact]
    public void A_file_that_lets_texts_grow_without_bounds_ends_in_a_sentence()
    {
        var twice = """{ "type": "Replace", "pattern": { "String": "a" }, "content": "aa" }""";
        var many = string.Join(", ", Enumerable.Repeat(twice, 40));
        var tokenizer = TokenizerFiles.Letters(
            $$""" "normalizer": { "type": "Sequence", "normalizers": [ {{many}} ] }, "decoder": { "type": "Sequence", "decoders": [ {{many}} ] }, """, "ab");
        Assert.Equal([1], tokenizer.Encode("b"));
        Assert.Contains("more than", Assert.Throws<SpecDecodeException>(() => tokenizer.Encode("a")).Message, StringComparison.Ordinal);
        Assert.Contains("more than", Assert.Throws<SpecDecodeException>(() => tokenizer.Decode([0])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_whole_word_of_the_vocabulary_ignores_merges_but_is_never_a_special_token()
    {
        var tokenizer = TokenizerFiles.Load("""
            { "added_tokens": [ { "id": 4, "content": "ba", "special": true } ],
              "model": { "type": "BPE", "ignore_merges": true, "vocab": { "a": 0, "b": 1, "aa": 2, "aba": 3, "ba": 4 }, "merges": ["a a"] } }
            """);
        Assert.Equal([3], tokenizer.Encode("aba"));
        Assert.Equal([1, 0], tokenizer.Encode("ba"));
    }

    [Fact]
    public void Unknown_characters_become_the_unknown_token_one_each_or_fused()
    {
        Assert.Equal([1, 0, 0, 1], TokenizerFiles.Letters("", "?a", """, "unk_token": "?" """).Encode("axya"));
        Assert.Equal([1, 0, 1], TokenizerFiles.Letters("", "?a", """, "unk_token": "?", "fuse_unk": true""").Encode("axya"));
    }

    [Fact]
    public void An_unknown_token_that_the_vocabulary_lacks_matters_where_a_character_is_unknown()
    {
        var tokenizer = TokenizerFiles.Letters("""  "added_tokens": [ { "id": 2, "content": "?", "special": true } ], """, "ab", """, "unk_token": "?" """);
        Assert.Equal([0, 1], tokenizer.Encode("ab"));
        var error = Assert.Throws<SpecDecodeException>(() => tokenizer.Encode("axb"));
        Assert.Contains("no token for the character U+0078", error.Message, StringComparison.Ordinal);
        Assert.Contains("'?'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Merges_go_by_rank_and_then_from_the_left()
    {
        var tokenizer = TokenizerFiles.Load(
            """{ "model": { "type": "BPE", "vocab": { "a": 0, "b": 1, "aa": 2, "ab": 3, "aab": 4 }, "merges": ["a a", "a b", "aa b"] } }""");
        Assert.Equal([2, 0], tokenizer.Encode("aaa"));
        Assert.Equal([4], tokenizer.Encode("aab"));
        Assert.Equal([2, 3], tokenizer.Encode("aaab"));
    }

    [Fact]
    public void A_version_among_the_merges_is_none()
    {
        var tokenizer = TokenizerFiles.Load("""{ "model": { "type": "BPE", "vocab": { "a": 0, "b": 1, "ab": 2 }, "merges": ["#version: 0.2", "a b"] } }""");
        Assert.Equal([2], tokenizer.Encode("ab"));
    }

    [Fact]
    public void A_merge_whose_parts_hold_spaces_is_read()
    {
        var tokenizer = TokenizerFiles.Load("""{ "model": { "type": "BPE", "vocab": { " ": 0, "  ": 1, "    ": 2 }, "merges": ["   ", "     "] } }""");
        Assert.Equal([2, 1, 0], tokenizer.Encode(new string(' ', 7)));
    }

    private static int Id(char c) => " \t\nab<>|[]endtmw".IndexOf(c, StringComparison.Ordinal);

    private static TextTokenizer Chat() => TokenizerFiles.Letters(
        """
        "added_tokens": [
          { "id": 16, "content": "<|end|>", "special": true },
          { "id": 17, "content": "<t>", "special": false },
          { "id": 18, "content": "<t><t>>", "special": false },
          { "id": 19, "content": "[m]", "lstrip": true, "rstrip": true },
          { "id": 20, "content": "ww", "single_word": true } ],
        "decoder": { "type": "Fuse" },
        """, " \t\nab<>|[]endtmw");

    private static string Words(string preTokenizer, string text)
    {
        using var document = System.Text.Json.JsonDocument.Parse(preTokenizer);
        var cutter = PreTokenizer.Read(new JsonNode(document.RootElement, "test", ""))!;
        return string.Join('|', cutter.Apply([new Piece(text, 0, text.Length, true)]).Select(piece => piece.Span.ToString()));
    }

    private static string Normalized(string normalizer, string text)
    {
        using var document = System.Text.Json.JsonDocument.Parse(normalizer);
        bool atStart = true;
        return TextNormalizer.Read(new JsonNode(document.RootElement, "test", ""))!.Apply(text, ref atStart);
    }
}
