using SpecDecode.Checkpoints;
using SpecDecode.Tokenizers;

namespace SpecDecode.Tests.Tokenizers;

public class DamagedTokenizerTests
{
    private const string Model = """{ "type": "BPE", "vocab": { "a": 0, "b": 1, "ab": 2 }, "merges": ["a b"] }""";

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("""{ "\ud800": 1 }""", "not valid Unicode")]
    [InlineData("{", "not valid JSON")]
    [InlineData("[]", "is not an object")]
    [InlineData("{}", "no key 'model'")]
    [InlineData("""{ "model": 3 }""", "'model' is not an object")]
    [InlineData("""{ "model": { "type": 1 } }""", "'model.type' is not a string")]
    [InlineData("""{ "model": { "type": "BPE", "merges": [] } }""", "no key 'vocab'")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": [], "merges": [] } }""", "'model.vocab' is not an object")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 0 } } }""", "no key 'merges'")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": "0" }, "merges": [] } }""", "'model.vocab.a' is not a number")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": -1 }, "merges": [] } }""", "'model.vocab.a' is not an integer from 0")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 1.5 }, "merges": [] } }""", "'model.vocab.a' is not an integer")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 16777216 }, "merges": [] } }""", "'model.vocab.a' is not an integer")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 99999999999 }, "merges": [] } }""", "'model.vocab.a' is not an integer")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 0, "b": 0 }, "merges": [] } }""", "id 0 to 'a' and to 'b'")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 0, "a": 1 }, "merges": [] } }""", "the token 'a' twice")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "\ud800": 0 }, "merges": [] } }""", "not valid Unicode")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": {} } }""", "'model.merges' is not an array")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": [7] } }""", "'model.merges[0]' is not a string")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": [["a"]] } }""", "'model.merges[0]' is not a pair")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": [["a", "c"]] } }""", "merges 'a' and 'c'")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": ["a c"] } }""", "the merge 'a c'")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": ["a a"] } }""", "the merge 'a a'")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": [""] } }""", "'model.merges[0]' is the merge ''")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": ["aa"] } }""", "the merge 'aa'")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": [], "unk_token": 7 } }""", "'model.unk_token' is not a string")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": [], "byte_fallback": "yes" } }""", "'model.byte_fallback' is not true or false")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": [], "dropout": "x" } }""", "'model.dropout' is not a number")]
    public void A_damaged_model_section_is_refused_with_its_key(string json, string said) => AssertRefused(json, said);

    [Theory]
    [InlineData(""" "added_tokens": 3""", "'added_tokens' is not an array")]
    [InlineData(""" "added_tokens": [ { "content": "x" } ]""", "'added_tokens[0]' has no key 'id'")]
    [InlineData(""" "added_tokens": [ { "id": 3 } ]""", "'added_tokens[0]' has no key 'content'")]
    [InlineData(""" "added_tokens": [ { "id": 3, "content": "x", "special": 1 } ]""", "'added_tokens[0].special' is not true or false")]
    [InlineData(""" "normalizer": {}""", "'normalizer' has no key 'type'")]
    [InlineData(""" "normalizer": { "type": "Prepend" }""", "'normalizer' has no key 'prepend'")]
    [InlineData(""" "normalizer": { "type": "Precompiled", "precompiled_charsmap": "?" }""", "'normalizer.precompiled_charsmap' is no character map")]
    [InlineData(""" "normalizer": { "type": "Precompiled", "precompiled_charsmap": "/////wAAAAA=" }""", "is no character map")]
    [InlineData(""" "decoder": { "type": "BPEDecoder", "suffix": "" }""", "'decoder.suffix' is empty")]
    [InlineData(""" "normalizer": { "type": "Sequence", "normalizers": [ null ] }""", "'normalizer.normalizers[0]' is not an object")]
    [InlineData(""" "normalizer": { "type": "Replace", "pattern": { "String": "" }, "content": "" }""", "'normalizer.pattern.String' is empty")]
    [InlineData(""" "pre_tokenizer": { "type": "Split", "pattern": {}, "behavior": "Isolated" }""", "'pre_tokenizer.pattern' has no key 'Regex'")]
    [InlineData(""" "pre_tokenizer": { "type": "Metaspace", "replacement": "ab" }""", "is not a single character")]
    [InlineData(""" "decoder": { "type": "Strip", "content": " ", "start": -1, "stop": 0 }""", "'decoder.start' is not an integer")]
    [InlineData(""" "post_processor": { "type": "TemplateProcessing", "single": [], "special_tokens": {} }""", "has no place for the text")]
    [InlineData(""" "post_processor": { "type": "TemplateProcessing", "single": [ { "SpecialToken": { "id": "x" } } ], "special_tokens": {} }""", "has no key 'x'")]
    [InlineData(
        """ "post_processor": { "type": "TemplateProcessing", "single": [ { "SpecialToken": { "id": "x" } } ], "special_tokens": { "x": { "ids": [9] } } }""",
        "'post_processor.special_tokens.x.ids[0]' is 9, which is not in the vocabulary")]
    public void A_damaged_section_beside_the_model_is_refused_with_its_key(string section, string said) =>
        AssertRefused($$"""{ {{section}}, "model": {{Model}} }""", said);

    [Theory]
    [InlineData(""" "normalizer": { "type": "Other" }""", "'normalizer.type' is the normalizer 'Other'")]
    [InlineData(""" "pre_tokenizer": { "type": "UnicodeScripts" }""", "pre-tokenizer 'UnicodeScripts'")]
    [InlineData(""" "pre_tokenizer": { "type": "Split", "pattern": { "Regex": "[\\p{Hiragana}]" }, "behavior": "Isolated" }""", "the property 'Hiragana'")]
    [InlineData(""" "pre_tokenizer": { "type": "Split", "pattern": { "Regex": "(a)\\1" }, "behavior": "Isolated" }""", "'\\1', which is not supported")]
    [InlineData(""" "decoder": { "type": "CTC" }""", "decoder 'CTC'")]
    [InlineData(""" "decoder": { "type": "Sequence", "decoders": [ { "type": "Fuse" }, { "type": "ByteFallback" } ] }""", "after the tokens have been fused")]
    [InlineData(""" "post_processor": { "type": "Other" }""", "post-processor 'Other'")]
    public void A_sound_file_with_an_unknown_part_is_unsupported(string section, string said)
    {
        var error = Assert.Throws<UnsupportedTokenizerException>(() => TokenizerFiles.Load($$"""{ {{section}}, "model": {{Model}} }"""));
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
        Assert.EndsWith(".tmp", error.Path, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "model": { "type": "WordPiece", "vocab": {} } }""")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": [], "dropout": 0.1 } }""")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": [], "end_of_word_suffix": "</w>", "byte_fallback": true } }""")]
    public void Another_kind_of_model_is_unsupported(string json) =>
        Assert.Throws<UnsupportedTokenizerException>(() => TokenizerFiles.Load(json));

    [Fact]
    public void A_missing_file_is_refused_by_name()
    {
        var error = Assert.Throws<CheckpointException>(() => TextTokenizer.Load("no-such-folder/tokenizer.json"));
        Assert.Contains("no-such-folder/tokenizer.json", error.Message, StringComparison.Ordinal);
    }

    private static void AssertRefused(string json, string said)
    {
        var error = Assert.Throws<CheckpointException>(() => TokenizerFiles.Load(json));
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
    }
}
