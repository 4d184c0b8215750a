using System.Diagnostics;
using System.Text.Json;

namespace SpecDecode.Tests.Tool;

public sealed class TokenizeCommandTests : IDisposable
{
    private static readonly string TalesTokenizer = Path.Combine(FixtureCheckpoint.Tales, "tokenizer.json");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_text_becomes_ids_without_bos_unless_it_is_asked_for()
    {
        int[] bare = ToolRun.Of("tokenize", "--model", FixtureCheckpoint.Tales, "--text", "Once upon a time", "--json").Ints("ids");
        Assert.NotEmpty(bare);
        Assert.DoesNotContain(0, bare);
        Assert.Equal([0, .. bare], ToolRun.Of("tokenize", "--model", FixtureCheckpoint.Tales, "--text", "Once upon a time", "--special", "--json").Ints("ids"));

        ToolRun plain = ToolRun.Of("tokenize", "--tokenizer", TalesTokenizer, "--text", "Once upon a time");
        Assert.Equal(0, plain.ExitCode);
        Assert.Equal("", plain.Error);
        Assert.Equal(string.Join(',', bare) + Environment.NewLine, plain.Output);
    }

    [Fact]
    public void Special_tokens_in_a_text_are_text_unless_parsing_is_asked_for()
    {
        Assert.DoesNotContain(0, ToolRun.Of("tokenize", "--tokenizer", TalesTokenizer, "--text", "<|endoftext|>", "--json").Ints("ids"));
        int[] withBos = ToolRun.Of("tokenize", "--tokenizer", TalesTokenizer, "--text", "<|endoftext|>", "--special", "--json").Ints("ids");
        Assert.Equal(0, withBos[0]);
        Assert.DoesNotContain(0, withBos[1..]);
        Assert.Equal([0], ToolRun.Of("tokenize", "--tokenizer", TalesTokenizer, "--text", "<|endoftext|>", "--parse-special", "--json").Ints("ids"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("--")]
    [InlineData("@file")]
    [InlineData("a \"quoted\"\n\nline\twith é, 你好 and 🚀\r\n")]
    public void Ids_become_the_text_again_to_the_byte(string text)
    {
        string ids = ToolRun.Of("tokenize", "--tokenizer", TalesTokenizer, "--text", text).Output.TrimEnd();
        Assert.Equal(text, ToolRun.Of("detokenize", "--tokenizer", TalesTokenizer, "--tokens", ids).Output);
        Assert.Equal(text, ToolRun.Of("detokenize", "--model", FixtureCheckpoint.Tales, "--tokens", ids, "--json").Json.GetProperty("text").GetString());
    }

    [Fact]
    public async Task Bytes_on_stdout_are_those_of_the_text()
    {
        string path = _folder.Write("text", "\uFEFF 🚀 Zoë\n"u8);
        using Process tokenize = ToolRun.Start("tokenize", "--tokenizer", TalesTokenizer, "--file", path);
        ToolRun ids = await ToolRun.End(tokenize);
        using Process detokenize = ToolRun.Start("detokenize", "--tokenizer", TalesTokenizer, "--tokens", ids.Output.Trim());
        using MemoryStream output = new();
        await detokenize.StandardOutput.BaseStream.CopyToAsync(output, TestContext.Current.CancellationToken);
        await detokenize.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, detokenize.ExitCode);
        Assert.Equal(await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken), output.ToArray());
    }

    [Fact]
    public void Special_tokens_have_no_text_unless_they_are_asked_for()
    {
        Assert.Equal("", ToolRun.Of("detokenize", "--tokenizer", TalesTokenizer, "--tokens", "0").Output);
        Assert.Equal("<|endoftext|>", ToolRun.Of("detokenize", "--tokenizer", TalesTokenizer, "--tokens", "0", "--special").Output);
        Assert.Equal("", ToolRun.Of("detokenize", "--tokenizer", TalesTokenizer, "--tokens", "").Output);
        Assert.Equal("", ToolRun.Of("detokenize", "--tokenizer", TalesTokenizer, "--tokens", "4000000").Output);
    }

    [Fact]
    public void A_unigram_tokenizer_gives_ids_with_the_bos_that_its_configuration_asks_for_and_text_again()
    {
        _folder.Write("tokenizer_config.json", """{ "tokenizer_class": "LlamaTokenizerFast", "add_bos_token": true, "bos_token": { "content": "<s>" } }""");
        string path = _folder.Write("tokenizer.json", """
            { "added_tokens": [ { "id": 1, "content": "<s>", "special": true } ], "decoder": { "type": "Metaspace", "replacement": "\u2581" },
              "pre_tokenizer": { "type": "Metaspace", "replacement": "\u2581" },
              "model": { "type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["<s>", 0], ["\u2581this", -2], ["\u2581", -3], ["is", -3], ["\u2581is", -2]] } }
            """);
        ToolRun run = ToolRun.Of("tokenize", "--tokenizer", path, "--text", "this is", "--special");
        Assert.Equal("1,2,5" + Environment.NewLine, run.Output);
        Assert.Equal("", run.Error);
        Assert.Equal("this is", ToolRun.Of("detokenize", "--model", _folder.Path, "--tokens", "1,2,5").Output);
    }

    [Fact]
    public void An_added_token_whose_id_is_not_that_of_the_file_is_a_warning()
    {
        string path = _folder.Write("tokenizer.json", """
            { "added_tokens": [ { "id": 7, "content": "a", "special": false } ], "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": [] } }
            """);
        ToolRun[] runs = [ToolRun.Of("tokenize", "--tokenizer", path, "--text", "a"), ToolRun.Of("detokenize", "--tokenizer", path, "--tokens", "0")];
        Assert.Equal(["0", "a"], runs.Select(run => run.Output.TrimEnd()));
        Assert.All(runs, run => Assert.Equal(0, run.ExitCode));
        Assert.All(runs, run => Assert.StartsWith($"specdecode: warning: {path}: 'added_tokens[0]' gives the token 'a' the id 7", run.Error, StringComparison.Ordinal));
    }

    [Fact]
    public void A_folder_with_tokenizer_model_alone_will_do()
    {
        string source = Path.Combine(TestFolders.TextCases, "Tokenizers", "SentencePieceCases", "llama.model");
        File.Copy(source, _folder.File("tokenizer.model"));
        ToolRun run = ToolRun.Of("tokenize", "--model", _folder.Path, "--text", "Hello", "--special", "--json");
        Assert.Equal(run.Ints("ids"), ToolRun.Of("tokenize", "--tokenizer", source, "--text", "Hello", "--special", "--json").Ints("ids"));
        Assert.Equal(1, run.Ints("ids")[0]);
        Assert.Equal("Hello", ToolRun.Of("detokenize", "--model", _folder.Path, "--tokens", string.Join(',', run.Ints("ids"))).Output);
    }

    [Fact]
    public void The_vectors_of_others_are_met()
    {
        foreach (string file in (string[])["gpt2/tokenizer.json", "llama2/tokenizer.json", "llama2/tokenizer.model", "phi3/tokenizer.json"])
        {
            string tokenizer = TestFolders.External("tokenizers", file);
            using JsonDocument vectors = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Path.GetDirectoryName(tokenizer)!, "vectors.json")));
            foreach (JsonElement vector in vectors.RootElement.EnumerateArray().Take(12))
            {
                string text = vector.GetProperty("text").GetString()!;
                int[] ids = ToolRun.Of("tokenize", "--tokenizer", tokenizer, "--text", text, "--json").Ints("ids");
                Assert.Equal(vector.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()), ids);
                Assert.Equal(text, ToolRun.Of("detokenize", "--tokenizer", tokenizer, "--tokens", string.Join(',', ids)).Output);
            }
        }
    }

    [Fact]
    public void Files_that_cannot_be_used_are_exit_code_1_and_a_sentence()
    {
        string bad = _folder.Write("bad.txt", [0x61, 0xC3, 0x28]);
        string damaged = _folder.Write("tokenizer.json", "{}");
        AssertRefused("byte 1 is not part of UTF-8", "tokenize", "--tokenizer", TalesTokenizer, "--file", bad);
        AssertRefused("nowhere.txt: cannot be read", "tokenize", "--tokenizer", TalesTokenizer, "--file", _folder.File("nowhere.txt"));
        AssertRefused("cannot be read", "tokenize", "--tokenizer", TalesTokenizer, "--file", _folder.Path);
        AssertRefused("cannot be read", "tokenize", "--tokenizer", TalesTokenizer, "--file", "");
        AssertRefused("no key 'model'", "tokenize", "--tokenizer", damaged, "--text", "a");
        AssertRefused("no key 'model'", "detokenize", "--model", _folder.Path, "--tokens", "1");
        AssertRefused("does not exist", "tokenize", "--model", _folder.File("nowhere"), "--text", "a");
        AssertRefused("does not exist", "detokenize", "--tokenizer", _folder.File("nowhere.model"), "--tokens", "1");
        AssertRefused("--tokenizer is empty", "detokenize", "--tokenizer", "", "--tokens", "1");
    }

    private static void AssertRefused(string said, params string[] arguments)
    {
        ToolRun run = ToolRun.Of(arguments);
        Assert.Equal(1, run.ExitCode);
        Assert.Equal("", run.Output);
        string complaint = Assert.Single(run.Complaints);
        Assert.StartsWith("specdecode: ", complaint, StringComparison.Ordinal);
        Assert.Contains(said, complaint, StringComparison.Ordinal);
    }
}
