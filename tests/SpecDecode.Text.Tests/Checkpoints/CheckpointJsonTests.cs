using System.Text;
using System.Text.Json;
using SpecDecode.ChatTemplates;
using SpecDecode.Checkpoints;
using SpecDecode.Tests.Tokenizers;

namespace SpecDecode.Tests.Checkpoints;

/// <summary>JSON as Python writes and reads it.</summary>
public sealed class CheckpointJsonTests
{
    [Theory]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("-Infinity")]
    public void A_number_that_is_not_finite_reads_as_one_that_no_finite_number_is_and_is_called_by_its_name(string word)
    {
        JsonElement root = Parse($$"""{"a":{{word}},"b":[{{word}},1,{{word}} ],"c": {{word}}}""");

        foreach (JsonElement value in (JsonElement[])[root.GetProperty("a"), root.GetProperty("b")[0], root.GetProperty("b")[2], root.GetProperty("c")])
        {
            Assert.Equal(JsonValueKind.Number, value.ValueKind);
            Assert.False(double.IsFinite(value.GetDouble()));
            Assert.False(value.TryGetInt64(out _));
            Assert.Equal(word, CheckpointJson.Describe(value));
        }

        Assert.Equal(1, root.GetProperty("b")[1].GetInt32());
    }

    [Fact]
    public void A_text_keeps_the_words_and_an_escaped_quotation_mark_does_not_end_it()
    {
        JsonElement root = Parse("""{"NaN": "a, NaN, \"Infinity\": -Infinity", "end\\": NaN, "\"": "\\\\", "i": Infinity}""");

        Assert.Equal("a, NaN, \"Infinity\": -Infinity", root.GetProperty("NaN").GetString());
        Assert.Equal("\\\\", root.GetProperty("\"").GetString());
        Assert.Equal("NaN", CheckpointJson.Describe(root.GetProperty("end\\")));
        Assert.Equal("Infinity", CheckpointJson.Describe(root.GetProperty("i")));
    }

    [Theory]
    [InlineData("{\"a\": -NaN}", 1, 8)]
    [InlineData("{\"a\": +Infinity}", 1, 7)]
    [InlineData("{\"a\": nan}", 1, 8)]
    [InlineData("{\"a\": Infinit}", 1, 7)]
    [InlineData("{\"a\": 1NaN}", 1, 8)]
    [InlineData("{\"a\": NaN1}", 1, 7)]
    [InlineData("{\"a\": InfinityNaN}", 1, 7)]
    [InlineData("{NaN: 1}", 1, 2)]
    [InlineData("{\"a\": NaN,\n\"b\": Infinity, \"c\": x}", 2, 21)]
    [InlineData("{\"a\": NaN, \"b\": NaN x}", 1, 21)]
    [InlineData("{\"a\": \"NaN", 1, 11)]
    [InlineData("{\"a\": NaN", 1, 10)]
    public void What_Python_does_not_read_is_refused_at_its_place_in_the_file(string json, int line, int place) => Assert.Contains(
        $"is not valid JSON at line {line}, byte {place} of that line", Assert.Throws<CheckpointException>(() => Parse(json)).Message, StringComparison.Ordinal);

    [Fact]
    public void Random_texts_with_such_words_read_as_those_with_a_number_in_their_place()
    {
        Random random = new(1);
        string[] pieces = ["NaN", "Infinity", "-Infinity", "1", "\"NaN\"", "\"\\\\\"", "\"\\\"Infinity\"", "[]", "{\"NaN\":NaN}", "null"];
        for (int i = 0; i < 300; i++)
        {
            string[] chosen = [.. Enumerable.Range(0, 1 + random.Next(6)).Select(_ => pieces[random.Next(pieces.Length)])];
            JsonElement found = Parse($"[{string.Join(random.Next(2) == 0 ? "," : " ,\n", chosen)}]");
            Assert.Equal(chosen.Length, found.GetArrayLength());
            Assert.All(chosen.Zip(found.EnumerateArray()), pair => Assert.Equal(
                pair.First[0] switch { '"' => JsonValueKind.String, '[' => JsonValueKind.Array, '{' => JsonValueKind.Object, 'n' => JsonValueKind.Null, _ => JsonValueKind.Number },
                pair.Second.ValueKind));
        }
    }

    [Fact]
    public void A_file_without_such_words_is_read_where_it_lies()
    {
        byte[] plain = Encoding.UTF8.GetBytes("{\"Name\": \"NaN\", \"Index\": 1}");

        Assert.True(new PythonNumbers().Replace(plain).Equals(new ReadOnlyMemory<byte>(plain)));
    }

    [Fact]
    public void Tokenizer_and_template_files_may_have_them_under_keys_that_nobody_reads()
    {
        Assert.NotEmpty(TokenizerFiles.Load(TokenizerFiles.WithBytes(TokenizerFiles.ByteFallback).Replace(
            "\"pre_tokenizer\": null", "\"unread\": [NaN, -Infinity], \"pre_tokenizer\": null", StringComparison.Ordinal)).Encode("ab"));
        using TemporaryFolder folder = new();
        folder.Write("tokenizer_config.json", """{ "chat_template": "plain", "model_max_length": Infinity, "bos_token": "<s>" }""");
        folder.Write("special_tokens_map.json", """{ "unread": NaN, "eos_token": "</s>" }""");
        Assert.Equal("</s>", ChatTemplateSet.Load(folder.Path).EosToken);

        folder.Write("tokenizer_config.json", """{ "chat_template": "plain", "bos_token": NaN }""");
        Assert.Contains("has NaN as \"bos_token\"", Assert.Throws<CheckpointException>(() => ChatTemplateSet.Load(folder.Path)).Message, StringComparison.Ordinal);
    }

    private static JsonElement Parse(string json) => CheckpointJson.Parse("file.json", Encoding.UTF8.GetBytes(json));
}
