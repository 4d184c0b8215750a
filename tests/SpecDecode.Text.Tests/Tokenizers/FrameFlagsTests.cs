using SpecDecode.Checkpoints;
using SpecDecode.Tokenizers;

namespace SpecDecode.Tests.Tokenizers;

public sealed class FrameFlagsTests : IDisposable
{
    private const string Adds = """
        { "type": "TemplateProcessing", "special_tokens": { "<s>": { "id": "<s>", "ids": [1] }, "</s>": { "id": "</s>", "ids": [2] } },
          "single": [ { "SpecialToken": { "id": "<s>" } }, { "Sequence": { "id": "A" } }, { "SpecialToken": { "id": "</s>" } } ] }
        """;

    private const string AddsNothing = """{ "type": "ByteLevel" }""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // What transformers 4 gives: its classes make the post-processor of the flags.
    [Theory]
    [InlineData("LlamaTokenizerFast", "null", "true", "false", new[] { 1, 0 })]
    [InlineData("LlamaTokenizerFast", AddsNothing, "true", "false", new[] { 1, 0 })]
    [InlineData("LlamaTokenizer", AddsNothing, "true", "true", new[] { 1, 0, 2 })]
    [InlineData("LlamaTokenizer", Adds, "true", "false", new[] { 1, 0 })]
    [InlineData("LlamaTokenizer", Adds, "false", "true", new[] { 0, 2 })]
    [InlineData("LlamaTokenizer", Adds, "false", "false", new[] { 0 })]
    [InlineData("CodeLlamaTokenizer", AddsNothing, "true", "false", new[] { 1, 0 })]
    [InlineData("GemmaTokenizerFast", AddsNothing, "true", "false", new[] { 1, 0 })]
    [InlineData("CohereTokenizerFast", AddsNothing, "true", "false", new[] { 1, 0 })]
    [InlineData("GPTNeoXTokenizer", AddsNothing, "true", "true", new[] { 1, 0, 2 })]
    public void The_flags_of_classes_that_use_them_take_the_place_of_the_post_processor(
        string name, string postProcessor, string bos, string eos, int[] expected)
    {
        var config = $$"""
            { "tokenizer_class": "{{name}}", "add_bos_token": {{bos}}, "add_eos_token": {{eos}}, "bos_token": "<s>", "eos_token": { "content": "</s>" } }
            """;
        Assert.Equal(expected, Load(postProcessor, config).Encode("a"));
        Assert.Equal([0], Load(postProcessor, config).Encode("a", addSpecialTokens: false));
    }

    [Theory]
    [InlineData("PreTrainedTokenizerFast")]
    [InlineData("GPT2TokenizerFast")]
    [InlineData("Qwen2Tokenizer")]
    [InlineData("TokenizersBackend")]
    [InlineData("Fast")]
    public void The_flags_of_other_classes_have_no_effect(string name)
    {
        var config = $$"""{ "tokenizer_class": "{{name}}", "add_bos_token": true, "add_eos_token": false, "bos_token": "<s>" }""";
        Assert.Equal([0], Load(AddsNothing, config).Encode("a"));
        Assert.Equal([1, 0, 2], Load(Adds, config).Encode("a"));
    }

    [Theory]
    [InlineData("""{ "add_bos_token": true, "bos_token": "<s>" }""")]
    [InlineData("""{ "tokenizer_class": null, "add_bos_token": true, "bos_token": "<s>" }""")]
    [InlineData("""{ "tokenizer_class": "LlamaTokenizer", "bos_token": "<s>" }""")]
    [InlineData("""{ "tokenizer_class": "LlamaTokenizer", "add_bos_token": null, "bos_token": "<s>" }""")]
    public void Without_a_class_or_without_a_flag_the_post_processor_counts(string config)
    {
        Assert.Equal([0], Load(AddsNothing, config).Encode("a"));
        Assert.Equal([1, 0, 2], Load(Adds, config).Encode("a"));
    }

    [Fact]
    public void A_flag_alone_leaves_the_other_end_of_the_text_to_the_post_processor()
    {
        Assert.Equal([0, 2], Load(Adds, """{ "tokenizer_class": "LlamaTokenizer", "add_bos_token": false }""").Encode("a"));
        Assert.Equal([1, 0], Load(Adds, """{ "tokenizer_class": "LlamaTokenizer", "add_eos_token": false }""").Encode("a"));
    }

    [Fact]
    public void The_token_is_named_in_either_file_or_is_that_of_the_class()
    {
        var config = """{ "tokenizer_class": "LlamaTokenizer", "add_bos_token": true }""";
        Assert.Equal([1, 0], Load(AddsNothing, config).Encode("a"));
        File.WriteAllText(_folder.File("special_tokens_map.json"), """{ "bos_token": { "content": "</s>" } }""");
        Assert.Equal([2, 0], Load(AddsNothing, config).Encode("a"));
        Assert.Equal([1, 0], Load(AddsNothing, config.Replace("true", "true, \"bos_token\": \"<s>\"", StringComparison.Ordinal)).Encode("a"));
    }

    [Theory]
    [InlineData("{", "not valid JSON")]
    [InlineData("[]", "a JSON object is expected")]
    [InlineData("""{ "tokenizer_class": 1 }""", "'tokenizer_class' is not a string")]
    [InlineData("""{ "tokenizer_class": "LlamaTokenizer", "add_bos_token": 1 }""", "'add_bos_token' is not true or false")]
    [InlineData("""{ "tokenizer_class": "LlamaTokenizer", "add_bos_token": true, "bos_token": 1 }""", "'bos_token' is not an object")]
    [InlineData("""{ "tokenizer_class": "LlamaTokenizer", "add_bos_token": true, "bos_token": "<no>" }""", "'add_bos_token' is true, but the token '<no>' is not in the vocabulary of tokenizer.json")]
    public void A_damaged_configuration_is_refused_by_name(string config, string said)
    {
        var error = Assert.Throws<CheckpointException>(() => Load(AddsNothing, config));
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
        Assert.EndsWith("tokenizer_config.json", error.Path, StringComparison.Ordinal);
    }

    private TextTokenizer Load(string postProcessor, string config)
    {
        File.WriteAllText(_folder.File("tokenizer_config.json"), config);
        File.WriteAllText(_folder.File("tokenizer.json"), $$"""
            { "added_tokens": [ { "id": 1, "content": "<s>", "special": true }, { "id": 2, "content": "</s>", "special": true } ],
              "post_processor": {{postProcessor}}, "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": [] } }
            """);
        return TextTokenizer.LoadFromFolder(_folder.Path);
    }
}
