using System.Text.Json;
using SpecDecode.Tokenizers;

namespace SpecDecode.Tests.Tokenizers;

/// <summary>Where the tests find tokenizer files, and small ones made on the spot.</summary>
internal static class TokenizerFiles
{
    /// <summary>A byte-fallback vocabulary in the manner of SentencePiece, small enough to read.</summary>
    public const string ByteFallback = """
        {
          "added_tokens": [
            { "id": 0, "content": "<unk>", "special": true, "normalized": false },
            { "id": 1, "content": "<s>", "special": true, "normalized": false },
            { "id": 2, "content": "</s>", "special": true, "normalized": false }
          ],
          "normalizer": { "type": "Sequence", "normalizers": [
            { "type": "Prepend", "prepend": "▁" },
            { "type": "Replace", "pattern": { "String": " " }, "content": "▁" } ] },
          "pre_tokenizer": null,
          "post_processor": { "type": "TemplateProcessing",
            "single": [ { "SpecialToken": { "id": "<s>", "type_id": 0 } }, { "Sequence": { "id": "A", "type_id": 0 } } ],
            "special_tokens": { "<s>": { "id": "<s>", "ids": [1], "tokens": ["<s>"] } } },
          "decoder": { "type": "Sequence", "decoders": [
            { "type": "Replace", "pattern": { "String": "▁" }, "content": " " },
            { "type": "ByteFallback" }, { "type": "Fuse" }, { "type": "Strip", "content": " ", "start": 1, "stop": 0 } ] },
          "model": { "type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true,
            "vocab": { "<unk>": 0, "<s>": 1, "</s>": 2, BYTES, "▁": 259, "a": 260, "b": 261, "▁a": 262, "ab": 263, "é": 264 },
            "merges": [ "▁ a", ["a", "b"] ] }
        }
        """;

    /// <summary>The same as a unigram model.</summary>
    public const string Unigram = """
        {
          "added_tokens": [
            { "id": 0, "content": "<unk>", "special": true, "normalized": false },
            { "id": 1, "content": "<s>", "special": true, "normalized": false },
            { "id": 2, "content": "</s>", "special": true, "normalized": false }
          ],
          "normalizer": { "type": "Sequence", "normalizers": [ { "type": "NFKC" }, { "type": "Replace", "pattern": { "Regex": " {2,}" }, "content": " " } ] },
          "pre_tokenizer": { "type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false },
          "decoder": { "type": "Sequence", "decoders": [
            { "type": "ByteFallback" }, { "type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false }, { "type": "Fuse" } ] },
          "model": { "type": "Unigram", "unk_id": 0, "byte_fallback": true,
            "vocab": [ ["<unk>", 0], ["<s>", 0], ["</s>", 0], SCORED, ["▁", -2.5], ["a", -3], ["b", -3.25], ["▁a", -4], ["ab", -5], ["é", -7.125] ] }
        }
        """;

    public static string BundledModel { get; } = Path.Combine(Root(), "samples", "models", "tales-10m", "tokenizer.json");

    public static string ThirdParty(params string[] parts)
    {
        var folder = Environment.GetEnvironmentVariable("SPECDECODE_TEST_DATA");
        Assert.SkipWhen(string.IsNullOrEmpty(folder), "SPECDECODE_TEST_DATA is not set: it names the folder that holds 'external'.");
        return Path.Combine([folder!, "external", .. parts]);
    }

    public static TextTokenizer Load(string json)
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, json);
            return TextTokenizer.Load(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    public static TextTokenizer LoadByteFallback() => Load(WithBytes(ByteFallback));

    public static string WithBytes(string json) =>
        json.Replace("BYTES", string.Join(", ", Enumerable.Range(0, 256).Select(b => $"\"<0x{b:X2}>\": {b + 3}")), StringComparison.Ordinal)
            .Replace("SCORED", string.Join(", ", Enumerable.Range(0, 256).Select(b => $"[\"<0x{b:X2}>\", 0]")), StringComparison.Ordinal);

    /// <summary>A tokenizer whose vocabulary is single characters, for the steps before the model.</summary>
    public static TextTokenizer Letters(string sections, string alphabet, string more = "")
    {
        var vocab = string.Join(", ", alphabet.EnumerateRunes().Select((rune, id) => $"{JsonSerializer.Serialize(rune.ToString())}: {id}"));
        return Load($$"""{ {{sections}} "model": { "type": "BPE", "vocab": { {{vocab}} }, "merges": [] {{more}} } }""");
    }

    public static string RandomText(Random random, int length)
    {
        var text = new System.Text.StringBuilder();
        while (text.Length < length)
        {
            int code = random.Next(6) switch
            {
                0 => random.Next(0x20, 0x7F),
                1 => random.Next(0, 0x300),
                2 => random.Next(0x300, 0xD800),
                3 => random.Next(0xE000, 0x10000),
                4 => random.Next(0x10000, 0x110000),
                _ => " \n\t  '1a"[random.Next(8)],
            };
            text.Append(new System.Text.Rune(code));
        }
        return text.ToString();
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !Directory.Exists(Path.Combine(folder.FullName, "samples", "models")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException("The tests run outside the repository: no folder above holds samples/models.");
    }
}
