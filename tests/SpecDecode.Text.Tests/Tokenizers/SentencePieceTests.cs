using Google.Protobuf;
using SpecDecode.Checkpoints;
using SpecDecode.Tests.Tokenizers.Generated;
using SpecDecode.Tokenizers;
using PieceType = SpecDecode.Tests.Tokenizers.Generated.ModelProto.Types.Piece.Types.Type;

namespace SpecDecode.Tests.Tokenizers;

public sealed class SentencePieceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_text_begins_with_bos_and_ends_without_eos_unless_the_configuration_says_otherwise()
    {
        Assert.Equal([1, 6], Load(Model()).Encode("a"));
        Assert.Equal([6], Load(Model(), """{ "add_bos_token": false }""").Encode("a"));
        Assert.Equal([1, 6, 2], Load(Model(), """{ "add_eos_token": true }""").Encode("a"));
        Assert.Equal([3, 6], Load(Model(), """{ "bos_token": "<x>", "add_bos_token": true }""").Encode("a"));
        Assert.Equal([3, 6], Load(Model(), """{ "bos_token": { "content": "<x>" } }""").Encode("a"));
        Assert.Equal([6], Load(Model(), """{ "add_bos_token": true, "add_eos_token": true }""").Encode("a", addSpecialTokens: false));
    }

    [Fact]
    public void Control_pieces_in_a_text_are_text_unless_parsing_is_asked_for()
    {
        var tokenizer = Load(Model());
        Assert.DoesNotContain(3, tokenizer.Encode("a<x>"));
        Assert.Equal([1, 6, 3], tokenizer.Encode("a<x>", parseSpecialTokens: true));
        Assert.Equal("a", tokenizer.Decode([1, 6, 3]));
        Assert.Equal("<s> a<x>", tokenizer.Decode([1, 6, 3], skipSpecialTokens: false));
    }

    [Fact]
    public void User_defined_pieces_are_found_unless_the_configuration_names_them_special()
    {
        var model = Model(("<u>", PieceType.UserDefined, 0));
        Assert.Equal([6, 9], Load(model).Encode("a<u>", addSpecialTokens: false));
        var special = """{ "added_tokens_decoder": { "9": { "content": "<u>", "special": true } } }""";
        Assert.Equal([6, 0], Load(model, special).Encode("a<u>", addSpecialTokens: false));
        Assert.Equal([6, 9], Load(model, special).Encode("a<u>", addSpecialTokens: false, parseSpecialTokens: true));
        Assert.Equal([6, 0], Load(model, """{ "additional_special_tokens": [ "<u>" ] }""").Encode("a<u>", addSpecialTokens: false));
    }

    [Fact]
    public void Added_tokens_beside_the_model_have_ids_behind_it_and_a_space_before_what_follows()
    {
        var config = """
            { "added_tokens_decoder": {
              "9": { "content": "<|end|>", "special": true },
              "10": { "content": "<tool>", "special": false, "lstrip": true } } }
            """;
        var tokenizer = Load(Model(), config);
        Assert.Equal(11, tokenizer.VocabularySize);
        Assert.Equal([6, 10, 6], tokenizer.Encode("a  <tool>a", addSpecialTokens: false));
        Assert.Equal([6, 0], tokenizer.Encode("a<|end|>", addSpecialTokens: false));
        Assert.Equal([6, 9, 6], tokenizer.Encode("a<|end|>a", addSpecialTokens: false, parseSpecialTokens: true));
        Assert.Equal([6, 9, 5], Load(Model(), config.Insert(2, "\"legacy\": false, ")).Encode("a<|end|>a", false, true));
        Assert.Equal([5, 9, 5], Load(Model(), config.Insert(2, "\"legacy\": false, \"add_prefix_space\": false, ")).Encode("a<|end|>a", false, true));
    }

    [Fact]
    public void Tokens_of_added_tokens_json_count_where_the_configuration_lists_none()
    {
        File.WriteAllText(_folder.File("added_tokens.json"), """{ "<|im_end|>": 9, "<note>": 10 }""");
        File.WriteAllText(_folder.File("special_tokens_map.json"), """{ "additional_special_tokens": [ "<|im_end|>" ] }""");
        var tokenizer = Load(Model());
        Assert.Equal([6, 10], tokenizer.Encode("a<note>", addSpecialTokens: false));
        Assert.Equal([6, 0], tokenizer.Encode("a<|im_end|>", addSpecialTokens: false));
        Assert.Equal([6, 9], tokenizer.Encode("a<|im_end|>", addSpecialTokens: false, parseSpecialTokens: true));
    }

    [Fact]
    public void A_folder_without_tokenizer_json_gives_its_tokenizer_model()
    {
        Load(Model());
        Assert.Equal([1, 6], TextTokenizer.LoadFromFolder(_folder.Path).Encode("a"));
        File.WriteAllText(_folder.File("tokenizer.json"), """{ "model": { "type": "BPE", "vocab": { "a": 7 }, "merges": [] } }""");
        Assert.Equal([7], TextTokenizer.LoadFromFolder(_folder.Path).Encode("a"));
    }

    [Fact]
    public void A_folder_without_a_tokenizer_is_refused_in_a_sentence()
    {
        var error = Assert.Throws<CheckpointException>(() => TextTokenizer.LoadFromFolder(_folder.Path));
        Assert.Contains("neither tokenizer.json nor tokenizer.model", error.Message, StringComparison.Ordinal);
        Assert.Throws<CheckpointException>(() => TextTokenizer.LoadFromFolder(_folder.File("nowhere")));
    }

    [Fact]
    public void A_unigram_model_keeps_its_sums_in_single_precision()
    {
        var tokenizer = Load(Unigram(("a", PieceType.Normal, -16777216), ("b", PieceType.Normal, -0.25f), ("c", PieceType.Normal, -1), ("abc", PieceType.Normal, -16777217.125f)));
        Assert.Equal([3, 4, 5], tokenizer.Encode("abc", addSpecialTokens: false));
    }

    [Fact]
    public void A_user_defined_piece_of_a_unigram_model_has_a_score_that_wins_over_most()
    {
        var tokenizer = Load(Unigram(
            ("a", PieceType.Normal, -1), ("b", PieceType.Normal, -1), ("c", PieceType.Normal, -1), ("ab", PieceType.UserDefined, 0), ("bc", PieceType.Normal, -0.05f),
            ("abc", PieceType.Normal, -0.05f)));
        Assert.Equal([6], tokenizer.Encode("ab", addSpecialTokens: false));
        Assert.Equal([8], tokenizer.Encode("abc", addSpecialTokens: false));
        Assert.Equal([6, 4], tokenizer.Encode("abb", addSpecialTokens: false));
    }

    [Fact]
    public void Unused_pieces_of_a_unigram_model_never_come_of_text_and_control_pieces_neither()
    {
        var tokenizer = Load(Unigram(("a", PieceType.Normal, -1), ("aa", PieceType.Unused, 5), ("<", PieceType.Normal, -1), ("s", PieceType.Normal, -1), (">", PieceType.Normal, -1)));
        Assert.Equal([3, 3], tokenizer.Encode("aa", addSpecialTokens: false));
        Assert.Equal("aa", tokenizer.Decode([4]));
        Assert.Equal([5, 6, 7], tokenizer.Encode("<s>", addSpecialTokens: false));
        Assert.Equal([1, 1], tokenizer.Encode("<s>", parseSpecialTokens: true));
    }

    [Fact]
    public void A_model_that_does_not_say_its_kind_is_unigram()
    {
        var model = Unigram(("a", PieceType.Normal, -1), ("aa", PieceType.Normal, -1));
        model.TrainerSpec = null;
        Assert.Equal([4], Load(model).Encode("aa", addSpecialTokens: false));
    }

    [Fact]
    public void Models_of_other_kinds_are_unsupported()
    {
        AssertUnsupported("is of kind Word", Model(change: model => model.TrainerSpec.ModelType = TrainerSpec.Types.ModelType.Word));
        AssertUnsupported("treat_whitespace_as_suffix", Model(change: model => model.TrainerSpec.TreatWhitespaceAsSuffix = true));
        AssertUnsupported("of kind UNUSED", Model(("b", PieceType.Unused, 0)));
        AssertUnsupported("denormalizer_spec", Model(change: model =>
            model.DenormalizerSpec = new NormalizerSpec { PrecompiledCharsmap = ByteString.CopyFromUtf8("x") }));
    }

    [Fact]
    public void A_model_that_contradicts_itself_is_refused()
    {
        AssertDamaged("has 0 pieces", Model(change: model => model.Pieces.Clear()));
        AssertDamaged("piece 9 is empty", Model(("", PieceType.Normal, 0)));
        AssertDamaged("piece 9 is 'a', which an earlier one is too", Model(("a", PieceType.Normal, 0)));
        AssertDamaged("both stand for what is unknown", Model(("?", PieceType.Unknown, 0)));
        AssertDamaged("no piece stands for what is unknown", Model(change: model => model.Pieces[0].Type = PieceType.Control));
        AssertDamaged("does not fall back to bytes", Model(("<0x41>", PieceType.Byte, 0)));
        AssertDamaged("has no piece '<0x00>'", Model(change: model => model.TrainerSpec.ByteFallback = true));
        AssertDamaged("not written as one", Model(("<0x4>", PieceType.Byte, 0), model => model.TrainerSpec.ByteFallback = true));
        AssertDamaged("not a number", Model(("b", PieceType.Normal, float.NaN)));
        AssertDamaged("300 characters", Model((new string('b', 300), PieceType.Normal, 0)));
        AssertDamaged("precompiled_charsmap is damaged", Model(change: model =>
            model.NormalizerSpec.PrecompiledCharsmap = ByteString.CopyFrom(255, 255, 255, 127, 0)));
    }

    [Fact]
    public void A_configuration_that_contradicts_the_model_is_refused()
    {
        AssertDamaged("'a' the id 9, but it already has the id 5", Model(), """{ "added_tokens_decoder": { "9": { "content": "a" } } }""");
        AssertDamaged("the id 5 to 'a' and to 'b'", Model(), """{ "added_tokens_decoder": { "5": { "content": "b" } } }""");
        AssertDamaged("no token id", Model(), """{ "added_tokens_decoder": { "x": { "content": "b" } } }""");
        AssertDamaged("asks for 'add_bos_token'", Model(), """{ "add_bos_token": true, "bos_token": "<none>" }""");
        AssertDamaged("not true or false", Model(), """{ "add_bos_token": 1 }""");
        AssertDamaged("not valid JSON", Model(), "{");
    }

    [Fact]
    public void A_file_that_is_no_model_is_refused()
    {
        var path = _folder.File("tokenizer.model");
        File.WriteAllText(path, "version https://git-lfs.github.com/spec/v1");
        Assert.Contains("no SentencePiece model", Assert.Throws<CheckpointException>(() => TextTokenizer.Load(path)).Message, StringComparison.Ordinal);

        // Pieces by the million, two bytes each, are counted and not made.
        var empty = new byte[2 * 3_000_000];
        for (int i = 0; i < empty.Length; i += 2)
            empty[i] = 0x0A;
        File.WriteAllBytes(path, empty);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("3000000 pieces", Assert.Throws<CheckpointException>(() => TextTokenizer.Load(path)).Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 40_000_000);
    }

    [Theory]
    [InlineData("uds")]
    [InlineData("tsv")]
    [InlineData("unigram-uds")]
    public void A_mutated_model_either_works_or_is_refused_with_a_sentence(string name)
    {
        var source = File.ReadAllBytes(Path.Combine(ReferenceCaseTests.Folder("SentencePieceCases"), name + ".model"));
        var path = _folder.File("tokenizer.model");
        var random = new Random(3);
        int refused = 0;
        for (int round = 0; round < 600; round++)
        {
            var bytes = (byte[])source.Clone();
            for (int edits = random.Next(1, 4); edits > 0; edits--)
            {
                // The specifications stand at the end.
                int at = random.Next(3) == 0 ? random.Next(bytes.Length) : bytes.Length - 1 - random.Next(Math.Min(1500, bytes.Length));
                if (random.Next(3) == 0)
                    bytes = [.. bytes[..at], .. bytes[Math.Min(bytes.Length, at + random.Next(20))..]];
                else
                    bytes[at] = (byte)random.Next(256);
            }
            File.WriteAllBytes(path, bytes);
            try
            {
                var tokenizer = TextTokenizer.Load(path);
                tokenizer.Decode(tokenizer.Encode("The dog<start> ABé 你\U0001F680  x</s>", parseSpecialTokens: true));
            }
            catch (SpecDecodeException e)
            {
                Assert.True(e.Message.EndsWith('.') || e.Message.StartsWith($"{path}: ", StringComparison.Ordinal), e.Message);
                refused++;
            }
        }
        Assert.InRange(refused, 100, 599);
    }

    private TextTokenizer Load(ModelProto model, string? config = null)
    {
        File.WriteAllBytes(_folder.File("tokenizer.model"), model.ToByteArray());
        File.Delete(_folder.File("tokenizer_config.json"));
        if (config is not null)
            File.WriteAllText(_folder.File("tokenizer_config.json"), config);
        return TextTokenizer.Load(_folder.File("tokenizer.model"));
    }

    private void AssertDamaged(string said, ModelProto model, string? config = null) =>
        Assert.Contains(said, Assert.Throws<CheckpointException>(() => Load(model, config)).Message, StringComparison.Ordinal);

    private void AssertUnsupported(string said, ModelProto model) =>
        Assert.Contains(said, Assert.Throws<UnsupportedTokenizerException>(() => Load(model)).Message, StringComparison.Ordinal);

    // 0 <unk>, 1 <s>, 2 </s>, and more; no space before the text.
    private static ModelProto Unigram(params (string Text, PieceType Type, float Score)[] more)
    {
        var model = new ModelProto
        {
            TrainerSpec = new() { ModelType = TrainerSpec.Types.ModelType.Unigram },
            NormalizerSpec = new() { AddDummyPrefix = false },
        };
        (string, PieceType, float)[] pieces = [("<unk>", PieceType.Unknown, 0), ("<s>", PieceType.Control, 0), ("</s>", PieceType.Control, 0), .. more];
        foreach (var (text, type, score) in pieces)
            model.Pieces.Add(new ModelProto.Types.Piece { Piece_ = text, Type = type, Score = score });
        return model;
    }

    private static ModelProto Model(Action<ModelProto>? change = null) => Model([], change);

    private static ModelProto Model((string Text, PieceType Type, float Score) more, Action<ModelProto>? change = null) => Model([more], change);

    // 0 <unk>, 1 <s>, 2 </s>, 3 <x>, 4 ▁, 5 a, 6 ▁a, 7 aa, 8 é, and more.
    private static ModelProto Model((string Text, PieceType Type, float Score)[] more, Action<ModelProto>? change)
    {
        var model = new ModelProto
        {
            TrainerSpec = new() { ModelType = TrainerSpec.Types.ModelType.Bpe },
            NormalizerSpec = new() { RemoveExtraWhitespaces = false },
        };
        (string, PieceType, float)[] pieces =
        [
            ("<unk>", PieceType.Unknown, 0), ("<s>", PieceType.Control, 0), ("</s>", PieceType.Control, 0), ("<x>", PieceType.Control, 0),
            ("▁", PieceType.Normal, -3), ("a", PieceType.Normal, -4), ("▁a", PieceType.Normal, -1), ("aa", PieceType.Normal, -2),
            ("é", PieceType.Normal, -5), .. more,
        ];
        foreach (var (text, type, score) in pieces)
            model.Pieces.Add(new ModelProto.Types.Piece { Piece_ = text, Type = type, Score = score });
        change?.Invoke(model);
        return model;
    }
}
