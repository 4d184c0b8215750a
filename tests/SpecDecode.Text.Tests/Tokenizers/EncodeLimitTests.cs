using System.Text;
using SpecDecode.Tokenizers;

namespace SpecDecode.Tests.Tokenizers;

/// <summary>Encoding that ends as soon as a text is known to become too many tokens.</summary>
public sealed class EncodeLimitTests
{
    private const string Spaces = """ "pre_tokenizer": { "type": "WhitespaceSplit" }, """;

    public static TheoryData<string> Kinds => ["tales", "byte-fallback", "unigram", "words", "gpt2", "llama2", "phi3"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void The_limit_is_exact(string kind)
    {
        TextTokenizer tokenizer = Load(kind);
        Random random = new(3);
        for (int i = 0; i < 200; i++)
        {
            string text = kind == "words" ? string.Join(' ', Enumerable.Range(0, i).Select(_ => "ab")) : TokenizerFiles.RandomText(random, random.Next(1, 60));
            int[] ids = tokenizer.Encode(text);

            Assert.Equal(ids, tokenizer.TryEncode(text, ids.Length));
            Assert.Null(ids.Length == 0 ? null : tokenizer.TryEncode(text, ids.Length - 1));
            Assert.Null(tokenizer.TryEncode(text, -1));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_long_text_cut_in_batches_has_the_same_ids(string kind)
    {
        TextTokenizer tokenizer = Load(kind);
        StringBuilder text = new();
        Random random = new(8);
        while (text.Length < 3 * PreTokenizer.LongPiece)
        {
            text.Append(kind == "words" ? "ab ba  " : $"{TokenizerFiles.RandomText(random, 30)} some words, {random.Next(100_000)}\n\n");
        }

        string[] parts = [text.ToString()];
        List<int> apart = [];
        foreach (string line in parts[0].Split("\n\n"))
        {
            apart.AddRange(tokenizer.Encode(line, addSpecialTokens: false));
        }

        int[] whole = tokenizer.Encode(parts[0], addSpecialTokens: false);
        Assert.Equal(whole, tokenizer.TryEncode(parts[0], whole.Length, addSpecialTokens: false));
        if (kind is "tales" or "gpt2")
        {
            // Line ends are words of their own here, and nothing joins over them.
            Assert.Equal(tokenizer.Decode(apart.ToArray()), tokenizer.Decode(whole).Replace("\n\n", "", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(true, false)]
    public void A_long_text_is_normalized_as_its_parts_are(bool compatible, bool compose)
    {
        // Marks in any number and order, jamo, and compositions, where long texts are finished piece by piece; an 'x' joins nothing.
        Random random = new(5);
        int[] codes = [0x300, 0x316, 0x345, 0xE9, 0x65, 0x1100, 0x1161, 0x11A8, 0xAC00, 0xFB01, 0x3B1, 0x9C7, 0x9BE, 0x1E9B, 0x1D15E];
        string[] parts = [.. Enumerable.Range(0, 400).Select(_ =>
            "x" + string.Concat(Enumerable.Range(0, random.Next(100)).Select(_ => new Rune(codes[random.Next(codes.Length)]).ToString())))];

        Assert.Equal(
            string.Concat(parts.Select(part => UnicodeNormalizer.Normalize(part, compatible, compose))),
            UnicodeNormalizer.Normalize(string.Concat(parts), compatible, compose));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Twenty_megabytes_are_refused_without_being_encoded(string kind)
    {
        TextTokenizer tokenizer = Load(kind);
        foreach (string piece in (string[])["ab ", " ", "\n", "é"])
        {
            if (kind == "words" && piece != "ab ")
            {
                continue;
            }

            string text = string.Concat(Enumerable.Repeat(piece, (20 << 20) / piece.Length));
            long before = GC.GetAllocatedBytesForCurrentThread();
            int[]? ids = tokenizer.TryEncode(text, 1000);

            // Copies of the text, and no ids and words, which would be more. What a normalizer of compatibility forms uses on the way is its own.
            Assert.True(ids is null || ids.Length <= 1000);
            if (kind != "unigram" || piece != "é")
            {
                Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, (kind == "unigram" ? 16L : 8L) * text.Length);
            }
        }
    }

    private static TextTokenizer Load(string kind) => kind switch
    {
        "tales" => TextTokenizer.Load(TokenizerFiles.BundledModel),
        "byte-fallback" => TokenizerFiles.LoadByteFallback(),
        "unigram" => TokenizerFiles.Load(TokenizerFiles.WithBytes(TokenizerFiles.Unigram)),
        "words" => TokenizerFiles.Letters(Spaces, "ab"),
        _ => TextTokenizer.LoadFromFolder(TokenizerFiles.ThirdParty("tokenizers", kind)),
    };
}
