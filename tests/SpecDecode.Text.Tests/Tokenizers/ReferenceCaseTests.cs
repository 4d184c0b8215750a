using System.Runtime.CompilerServices;
using System.Text.Json;
using SpecDecode.Tokenizers;

namespace SpecDecode.Tests.Tokenizers;

/// <summary>
/// Tokenizers made for these tests, each part of the format in one of them, with what the reference implementations (Hugging
/// Face tokenizers 0.23, SentencePiece 0.1.97) make of texts. The README beside the cases says how they came about.
/// </summary>
public class ReferenceCaseTests
{
    public static TheoryData<string> Tokenizers => Names("TokenizerCases", "*.json");

    public static TheoryData<string> Models => Names("SentencePieceCases", "*.model");

    [Theory]
    [MemberData(nameof(Tokenizers))]
    public void A_tokenizer_json_gives_the_ids_and_texts_of_the_reference(string name)
    {
        using var file = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder("TokenizerCases"), name)));
        var tokenizer = TokenizerFiles.Load(file.RootElement.GetProperty("tokenizer").GetRawText());
        Check(tokenizer, file.RootElement.GetProperty("cases"), special: true);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void A_tokenizer_model_gives_the_ids_and_texts_of_the_reference(string name)
    {
        var path = Path.Combine(Folder("SentencePieceCases"), name);
        using var file = JsonDocument.Parse(File.ReadAllBytes(Path.ChangeExtension(path, ".cases.json")));
        Check(TextTokenizer.Load(path), file.RootElement, special: false);
    }

    internal static string Folder(string name) => Path.Combine(Path.GetDirectoryName(ThisFile())!, name);

    private static string ThisFile([CallerFilePath] string path = "") => path;

    private static void Check(TextTokenizer tokenizer, JsonElement cases, bool special)
    {
        Assert.InRange(cases.GetArrayLength(), 40, int.MaxValue);
        foreach (var sample in cases.EnumerateArray())
        {
            var text = sample.GetProperty("text").GetString()!;
            if (sample.TryGetProperty("error", out _))
            {
                Assert.Throws<SpecDecodeException>(() => tokenizer.Encode(text, addSpecialTokens: special, parseSpecialTokens: special));
                continue;
            }
            int[] ids = [.. sample.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
            Assert.Equal(ids, tokenizer.Encode(text, addSpecialTokens: special, parseSpecialTokens: special));

            var stream = tokenizer.CreateStream();
            var streamed = string.Concat(ids.Select(stream.Append)) + stream.Flush();
            Assert.Equal(tokenizer.Decode(ids), streamed);
            if (sample.TryGetProperty("decoded", out var decoded))
                Assert.Equal(decoded.GetString(), streamed);
        }
    }

    private static TheoryData<string> Names(string folder, string pattern) =>
        [.. Directory.EnumerateFiles(Folder(folder), pattern).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
}
