using System.Text.Json;
using SpecDecode.Tokenizers;

namespace SpecDecode.Tests.Tokenizers;

public class ReferenceVectorTests
{
    [Theory]
    [InlineData("gpt2", "tokenizer.json")]
    [InlineData("llama2", "tokenizer.json")]
    [InlineData("llama2", "tokenizer.model")]
    [InlineData("phi3", "tokenizer.json")]
    public void Every_reference_vector_has_its_ids(string name, string file)
    {
        var tokenizer = TextTokenizer.Load(TokenizerFiles.ThirdParty("tokenizers", name, file));
        using var vectors = JsonDocument.Parse(File.ReadAllBytes(TokenizerFiles.ThirdParty("tokenizers", name, "vectors.json")));
        foreach (var vector in vectors.RootElement.EnumerateArray())
        {
            var text = vector.GetProperty("text").GetString()!;
            Assert.Equal(Ids(vector), tokenizer.Encode(text, addSpecialTokens: false));
        }
    }

    [Theory]
    [InlineData("gpt2", "tokenizer.json")]
    [InlineData("llama2", "tokenizer.json")]
    [InlineData("llama2", "tokenizer.model")]
    [InlineData("phi3", "tokenizer.json")]
    public void Decoding_inverts_encoding_of_every_reference_text(string name, string file)
    {
        var tokenizer = TextTokenizer.Load(TokenizerFiles.ThirdParty("tokenizers", name, file));
        using var vectors = JsonDocument.Parse(File.ReadAllBytes(TokenizerFiles.ThirdParty("tokenizers", name, "vectors.json")));
        foreach (var vector in vectors.RootElement.EnumerateArray())
        {
            var text = vector.GetProperty("text").GetString()!;
            Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
        }
    }

    [Fact]
    public void The_model_file_and_the_json_file_of_llama2_agree_on_random_texts()
    {
        var model = TextTokenizer.Load(TokenizerFiles.ThirdParty("tokenizers", "llama2", "tokenizer.model"));
        var json = TextTokenizer.Load(TokenizerFiles.ThirdParty("tokenizers", "llama2", "tokenizer.json"));
        var random = new Random(7);
        for (int round = 0; round < 300; round++)
        {
            // In the JSON file the four pieces with a no-break space have been written with spaces.
            var text = TokenizerFiles.RandomText(random, random.Next(200)).Replace('\u00A0', ' ');
            Assert.Equal(json.Encode(text), model.Encode(text));
            int[] ids = [.. Enumerable.Range(0, random.Next(20)).Select(_ => random.Next(32000)).Except([8655, 17891, 20246, 30081])];
            Assert.Equal(json.Decode(ids), model.Decode(ids));
        }
    }

    [Fact]
    public void The_story_model_encodes_with_its_beginning_of_sequence_and_decodes_as_recorded()
    {
        var tokenizer = TextTokenizer.Load(TokenizerFiles.ThirdParty("stories260k", "tokenizer.json"));
        using var expected = JsonDocument.Parse(File.ReadAllBytes(TokenizerFiles.ThirdParty("stories260k", "expected.json")));
        foreach (var sample in expected.RootElement.GetProperty("encode").EnumerateArray())
            Assert.Equal(Ids(sample), tokenizer.Encode(sample.GetProperty("text").GetString()!));

        foreach (var sample in expected.RootElement.GetProperty("decode").EnumerateArray())
        {
            var raw = sample.GetProperty("text_raw").GetString()!;
            Assert.Equal(raw.StartsWith(' ') ? raw[1..] : raw, tokenizer.Decode(Ids(sample)));
            var stream = tokenizer.CreateStream([1, 403]);
            Assert.Equal(raw, string.Concat(Ids(sample).Select(stream.Append)) + stream.Flush());
        }
        var greedy = expected.RootElement.GetProperty("greedy").EnumerateArray().Select(id => id.GetInt32()).ToArray();
        Assert.Equal(expected.RootElement.GetProperty("text").GetString(), tokenizer.Decode(greedy));
    }

    private static int[] Ids(JsonElement sample) => [.. sample.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
}
