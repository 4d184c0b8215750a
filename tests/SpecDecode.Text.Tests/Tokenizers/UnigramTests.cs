using System.Text;
using System.Text.Json;
using SpecDecode.Checkpoints;
using SpecDecode.Tokenizers;

namespace SpecDecode.Tests.Tokenizers;

public class UnigramTests
{
    [Theory]
    [InlineData("abc", "abc")]
    [InlineData("aab", "a|ab")]
    [InlineData("abcab", "abc|ab")]
    [InlineData("ba", "b|a")]
    public void A_word_becomes_the_pieces_whose_scores_add_up_to_the_most(string word, string expected) =>
        AssertPieces(Vocabulary(("a", -1), ("b", -1), ("c", -1), ("ab", -1.5), ("bc", -2), ("abc", -2)), word, expected);

    [Fact]
    public void Of_equal_sums_the_one_whose_last_piece_is_longest_stays()
    {
        AssertPieces(Vocabulary(("a", -1), ("aa", -2), ("aaa", -3)), "aaaa", "a|aaa");
        AssertPieces(Vocabulary(("a", -1), ("b", -1), ("ab", -1), ("ba", -1)), "aba", "a|ba");
    }

    [Fact]
    public void Sums_are_in_double_precision()
    {
        AssertPieces(Vocabulary(("a", -16777216), ("b", -0.25), ("c", -1), ("abc", -16777217.125)), "abc", "abc");
    }

    [Theory]
    [InlineData("axya", "a|?|a")]
    [InlineData("xay", "?|a|?")]
    [InlineData("\U0001F363\U0001F363", "?")]
    [InlineData("x<unk>y", "?")]
    public void Unknown_characters_next_to_each_other_are_one_unknown_token(string word, string expected) =>
        AssertPieces(Vocabulary(("a", -1)), word, expected);

    [Fact]
    public void A_run_of_unknown_characters_that_is_a_piece_is_that_piece()
    {
        AssertPieces(Vocabulary(("a", -1), ("xy", -90)), "axya", "a|xy|a");
        AssertPieces(Vocabulary(("a", -1), ("xy", -90)), "axyxa", "a|xy|?|a");
    }

    [Fact]
    public void Unknown_characters_fall_back_to_bytes_all_of_a_run_or_none()
    {
        var tokenizer = TokenizerFiles.Load(Tokenizer([("<unk>", 0), ("<0x78>", 0), ("<0xC3>", 0), ("<0xBC>", 0), ("a", -1)], """, "byte_fallback": true"""));
        Assert.Equal([4, 1, 2, 3, 4], tokenizer.Encode("ax\u00FCa"));
        Assert.Equal([4, 0, 4], tokenizer.Encode("axya"));
        Assert.Equal([4, 1, 4, 0], tokenizer.Encode("axay"));
    }

    [Fact]
    public void Without_a_token_for_unknown_characters_one_is_an_error()
    {
        var tokenizer = TokenizerFiles.Load("""{ "model": { "type": "Unigram", "unk_id": null, "vocab": [["a", -1], ["ab", -2]] } }""");
        Assert.Equal([0, 1], tokenizer.Encode("aab"));
        var error = Assert.Throws<SpecDecodeException>(() => tokenizer.Encode("ab\U0001F363"));
        Assert.Contains("no token for the character U+1F363", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_a_piece_that_is_there_twice_the_later_one_counts_and_both_have_its_text()
    {
        var tokenizer = TokenizerFiles.Load(Tokenizer([("<unk>", 0), ("a", -1), ("a", -9), ("b", -3), ("ab", -11)], decoder: true));
        Assert.Equal([4], tokenizer.Encode("ab"));
        Assert.Equal([2], tokenizer.Encode("a"));
        Assert.Equal("aa", tokenizer.Decode([1, 2]));
        Assert.Equal(5, tokenizer.VocabularySize);
    }

    [Fact]
    public void Special_tokens_never_come_of_text_not_even_of_a_run_of_unknown_characters()
    {
        var json = """
            { "normalizer": { "type": "NFKC" }, "added_tokens": [ { "id": 1, "content": "</s>", "special": true } ],
              "model": { "type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["</s>", 0], ["a", -1]] } }
            """;
        var tokenizer = TokenizerFiles.Load(json);
        Assert.Equal([2, 0, 2], tokenizer.Encode("a</s>a"));
        Assert.Equal([2, 1, 2], tokenizer.Encode("a</s>a", parseSpecialTokens: true));

        // It becomes the token's text only when normalized, behind the search for special tokens.
        Assert.Equal([2, 0, 2], tokenizer.Encode("a\uFF1C/s\uFF1Ea", parseSpecialTokens: true));
    }

    [Fact]
    public void A_file_without_a_type_whose_vocabulary_is_a_list_is_unigram_and_with_a_map_it_is_bpe()
    {
        Assert.Equal([1, 0], TokenizerFiles.Load("""{ "model": { "unk_id": 0, "vocab": [["<unk>", 0], ["a", -1]] } }""").Encode("ax"));
        Assert.Equal([2], TokenizerFiles.Load("""{ "model": { "vocab": { "a": 0, "b": 1, "ab": 2 }, "merges": ["a b"] } }""").Encode("ab"));
    }

    [Theory]
    [InlineData("""{ "type": "Unigram" }""", "'model' has no key 'vocab'")]
    [InlineData("""{ "type": "Unigram", "vocab": {} }""", "'model.vocab' is not an array")]
    [InlineData("""{ "type": "Unigram", "vocab": ["a"] }""", "'model.vocab[0]' is not an array")]
    [InlineData("""{ "type": "Unigram", "vocab": [["a"]] }""", "'model.vocab[0]' is not a pair of a text and its score")]
    [InlineData("""{ "type": "Unigram", "vocab": [["a", 0, 0]] }""", "'model.vocab[0]' is not a pair")]
    [InlineData("""{ "type": "Unigram", "vocab": [["a", 0], [1, 0]] }""", "'model.vocab[1][0]' is not a string")]
    [InlineData("""{ "type": "Unigram", "vocab": [["\ud800", 0]] }""", "'model.vocab[0][0]' is not valid Unicode")]
    [InlineData("""{ "type": "Unigram", "vocab": [["a", "0"]] }""", "'model.vocab[0][1]' is not a number")]
    [InlineData("""{ "type": "Unigram", "vocab": [["a", -1e999]] }""", "'model.vocab[0][1]' is not a finite number")]
    [InlineData("""{ "type": "Unigram", "vocab": [["a", 0]], "unk_id": 1 }""", "'model.unk_id' is 1, but the vocabulary has 1 pieces")]
    [InlineData("""{ "type": "Unigram", "vocab": [["a", 0]], "unk_id": -1 }""", "'model.unk_id' is not an integer from 0")]
    [InlineData("""{ "type": "Unigram", "vocab": [["a", 0]], "byte_fallback": 1 }""", "'model.byte_fallback' is not true or false")]
    public void A_damaged_model_is_refused_with_its_key(string model, string said)
    {
        var error = Assert.Throws<CheckpointException>(() => TokenizerFiles.Load($$"""{ "model": {{model}} }"""));
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_piece_of_thousands_of_characters_is_unsupported()
    {
        var error = Assert.Throws<UnsupportedTokenizerException>(() => TokenizerFiles.Load(Tokenizer([(new string('a', 2000), -1)])));
        Assert.Contains("2000 characters", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_vocabulary_encodes_nothing_but_empty_texts()
    {
        var tokenizer = TokenizerFiles.Load("""{ "model": { "type": "Unigram", "vocab": [] } }""");
        Assert.Empty(tokenizer.Encode(""));
        Assert.Throws<SpecDecodeException>(() => tokenizer.Encode("a"));
    }

    [Fact]
    public void The_search_finds_what_trying_every_piece_at_every_place_finds()
    {
        var random = new Random(5);
        for (int round = 0; round < 300; round++)
        {
            var alphabet = "ab\u2581\u00E9\u65E5\U0001F363".EnumerateRunes().Take(2 + random.Next(5)).Select(rune => rune.ToString()).ToArray();
            var vocabulary = new Dictionary<string, double> { ["<unk>"] = 0 };
            for (int i = random.Next(40); i >= 0; i--)
                vocabulary.TryAdd(Word(random, alphabet, 5), random.Next(2) == 0 ? -random.Next(1, 4) : -random.NextDouble() * 12);
            (string, double)[] pieces = [.. vocabulary.Select(piece => (piece.Key, piece.Value))];
            var tokenizer = TokenizerFiles.Load(Tokenizer(pieces));
            for (int words = 0; words < 5; words++)
            {
                var word = Word(random, alphabet, 60);
                Assert.Equal(TryEverything(pieces, word), tokenizer.Encode(word));
            }
        }
    }

    // A stretch in which pieces overlap throughout is one search; a text of words settles after each of them.
    [Theory]
    [InlineData("a")]
    [InlineData("ab")]
    [InlineData("\U0001F363")]
    [InlineData("\u2581a")]
    [InlineData("x")]
    public void Long_runs_are_encoded_as_short_ones_are(string unit)
    {
        (string, double)[] pieces =
        [
            ("<unk>", 0), ("a", -3), ("b", -3), ("ab", -4), ("\u2581", -2), ("\u2581a", -3), ("aaaa", -5), ("aaaaaaaa", -6), ("abababab", -6), ("\U0001F363", -7),
        ];
        var tokenizer = TokenizerFiles.Load(Tokenizer(pieces, decoder: true));
        var text = string.Concat(Enumerable.Repeat(unit, 1 << 20));
        int[] ids = tokenizer.Encode(text);
        int[] some = tokenizer.Encode(text[..1024]);
        Assert.Equal(unit == "x" ? 1 : some.Length * (text.Length / 1024), ids.Length);
        Assert.Equal(some.Distinct(), ids.Distinct());
        if (unit != "x")
            Assert.Equal(text, tokenizer.Decode(ids));
    }

    [Fact]
    public void Memory_does_not_grow_with_a_text_of_words_beyond_its_ids()
    {
        (string, double)[] pieces = [("<unk>", 0), ("a", -3), ("b", -3), ("ab", -4), ("\u2581", -2), ("\u2581ab", -3)];
        var tokenizer = TokenizerFiles.Load(Tokenizer(pieces));
        var text = string.Concat(Enumerable.Repeat("\u2581abab", 1 << 18));
        tokenizer.Encode(text[..100]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        int[] ids = tokenizer.Encode(text);
        Assert.Equal(2 << 18, ids.Length);

        // The list of ids doubles as it grows, and is copied once; the text once for its stretch between added tokens.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, (5 * sizeof(int) * ids.Length) + (2 * sizeof(char) * text.Length) + 1_000_000);
    }

    // The definition, without a trie: for every place the best of all pieces that end there, those that begin first first.
    private static List<int> TryEverything((string Text, double Score)[] pieces, string word)
    {
        double unknown = pieces.Min(piece => piece.Score) - 10;
        var best = new (double Sum, int Start, int Piece)?[word.Length + 1];
        best[0] = (0, 0, -1);
        for (int at = 0; at < word.Length;)
        {
            double sum = best[at]!.Value.Sum;
            int single = char.IsHighSurrogate(word[at]) ? 2 : 1;
            bool isPiece = false;
            for (int piece = 0; piece < pieces.Length; piece++)
            {
                var (text, score) = pieces[piece];
                if (string.CompareOrdinal(word, at, text, 0, text.Length) != 0)
                    continue;
                isPiece |= text.Length == single;
                if (best[at + text.Length] is not { } known || sum + score > known.Sum)
                    best[at + text.Length] = (sum + score, at, piece);
            }
            if (!isPiece && (best[at + single] is not { } other || sum + unknown > other.Sum))
                best[at + single] = (sum + unknown, at, 0);
            at += single;
        }

        var path = new List<(int Start, int End, int Piece)>();
        for (int end = word.Length; end > 0; end = path[^1].Start)
            path.Add((best[end]!.Value.Start, end, best[end]!.Value.Piece));
        path.Reverse();
        var ids = new List<int>();
        for (int i = 0; i < path.Count; i++)
        {
            int from = i;
            while (path[i].Piece == 0 && i + 1 < path.Count && path[i + 1].Piece == 0)
                i++;
            var run = word[path[from].Start..path[i].End];
            int whole = Array.FindIndex(pieces, piece => piece.Text == run);
            ids.Add(path[i].Piece == 0 && whole >= 0 ? whole : path[i].Piece);
        }
        return ids;
    }

    private static string Word(Random random, string[] alphabet, int length) =>
        string.Concat(Enumerable.Range(0, random.Next(1, length + 1)).Select(_ => alphabet[random.Next(alphabet.Length)]));

    private static (string Text, double Score)[] Vocabulary(params (string, double)[] pieces) => [("<unk>", 0), .. pieces];

    private static void AssertPieces((string Text, double Score)[] vocabulary, string word, string expected)
    {
        var ids = TokenizerFiles.Load(Tokenizer(vocabulary)).Encode(word);
        Assert.Equal(expected, string.Join('|', ids.Select(id => id == 0 ? "?" : vocabulary[id].Text)));
    }

    private static string Tokenizer((string Text, double Score)[] pieces, string more = "", bool decoder = false)
    {
        var vocab = new StringBuilder();
        foreach (var (text, score) in pieces)
            vocab.Append(vocab.Length > 0 ? ", " : "").Append($"[{JsonSerializer.Serialize(text)}, {JsonSerializer.Serialize(score)}]");
        return $$"""{ {{(decoder ? """ "decoder": { "type": "Fuse" }, """ : "")}} "model": { "type": "Unigram", "unk_id": 0, "vocab": [ {{vocab}} ] {{more}} } }""";
    }
}
