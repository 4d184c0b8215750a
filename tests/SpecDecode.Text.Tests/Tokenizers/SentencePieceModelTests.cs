using Google.Protobuf;
using SpecDecode.Checkpoints;
using SpecDecode.Tests.Tokenizers.Generated;
using SpecDecode.Tokenizers;
using SpecDecode.Tokenizers.SentencePiece;
using NormalizerSpec = SpecDecode.Tests.Tokenizers.Generated.NormalizerSpec;
using OurNormalizerSpec = SpecDecode.Tokenizers.SentencePiece.NormalizerSpec;
using TrainerSpec = SpecDecode.Tests.Tokenizers.Generated.TrainerSpec;

namespace SpecDecode.Tests.Tokenizers;

/// <summary>The reader of SentencePiece models against Google's library, with classes that it generates for the same messages.</summary>
public sealed class SentencePieceModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Models => ReferenceCaseTests.Models;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Models))]
    public void A_model_is_read_as_googles_library_reads_it(string name) => Assert.True(IsReadAlike(Case(name)));

    [Fact]
    public void A_published_model_is_read_as_googles_library_reads_it() =>
        Assert.True(IsReadAlike(File.ReadAllBytes(TestFolders.External("tokenizers", "llama2", "tokenizer.model"))));

    [Fact]
    public void A_model_of_every_field_is_read_as_googles_library_reads_it()
    {
        var model = new ModelProto
        {
            TrainerSpec = new()
            {
                ModelType = TrainerSpec.Types.ModelType.Char, TreatWhitespaceAsSuffix = true, ByteFallback = true, BosPiece = "<b>", EosPiece = "<e>",
            },
            NormalizerSpec = new()
            {
                PrecompiledCharsmap = ByteString.CopyFrom(0, 1, 255), AddDummyPrefix = false, RemoveExtraWhitespaces = false, EscapeWhitespaces = false,
            },
            DenormalizerSpec = new() { PrecompiledCharsmap = ByteString.CopyFrom(7), AddDummyPrefix = false },
        };
        foreach (var type in Enum.GetValues<ModelProto.Types.Piece.Types.Type>())
            model.Pieces.Add(new ModelProto.Types.Piece { Piece_ = $"▁{type}", Score = -(float)type, Type = type });
        model.Pieces.Add(new ModelProto.Types.Piece { Piece_ = "", Score = float.NaN });
        model.Pieces.Add(new ModelProto.Types.Piece { Score = float.NegativeInfinity, Type = (ModelProto.Types.Piece.Types.Type)99 });
        model.Pieces.Add(new ModelProto.Types.Piece());

        Assert.True(IsReadAlike(model.ToByteArray()));
        var ours = Read(model.ToByteArray());
        Assert.Equal(ModelType.Char, ours.Trainer.ModelType);
        Assert.Equal("▁UserDefined", ours.Pieces[3].Text);
        Assert.Equal(PieceType.UserDefined, ours.Pieces[3].Type);
        Assert.Equal(new ModelPiece("", 0, PieceType.Normal), ours.Pieces[^1]);
    }

    [Fact]
    public void A_specification_that_is_there_twice_is_put_together_and_the_later_counts()
    {
        byte[] file =
        [
            .. new ModelProto { TrainerSpec = new() { ByteFallback = true, BosPiece = "<1>" }, NormalizerSpec = new() { AddDummyPrefix = false } }.ToByteArray(),
            .. new ModelProto { TrainerSpec = new() { EosPiece = "<2>", BosPiece = "<3>" }, NormalizerSpec = new() { EscapeWhitespaces = false } }.ToByteArray(),
        ];
        Assert.True(IsReadAlike(file));
        var ours = Read(file);
        Assert.Equal((true, "<3>", "<2>"), (ours.Trainer.ByteFallback, ours.Trainer.BosPiece, ours.Trainer.EosPiece));
        Assert.Equal((false, true, false), (ours.Normalizer.AddDummyPrefix, ours.Normalizer.RemoveExtraWhitespaces, ours.Normalizer.EscapeWhitespaces));
    }

    [Theory]
    [InlineData(99)]
    [InlineData(100)]
    [InlineData(101)]
    [InlineData(5000)]
    public void Nesting_has_the_limit_that_it_has_in_googles_library(int depth)
    {
        byte[] groups = [.. Enumerable.Repeat((byte)0x5B, depth), .. Enumerable.Repeat((byte)0x5C, depth)];
        Assert.Equal(depth <= 100, IsReadAlike(groups));
        Assert.Equal(depth <= 99, IsReadAlike([0x0A, (byte)(groups.Length & 0x7F | 0x80), (byte)(groups.Length >> 7 & 0x7F | 0x80), (byte)(groups.Length >> 14), .. groups]));
    }

    [Fact]
    public void Fields_of_every_kind_in_any_order_are_read_or_refused_as_by_googles_library()
    {
        var messages = new RandomMessages(1);
        int read = 0;
        for (int round = 0; round < 20_000; round++)
            read += IsReadAlike(messages.Model()) ? 1 : 0;
        Assert.InRange(read, 10_000, 19_900);
    }

    [Fact]
    public void Damaged_messages_are_read_or_refused_as_by_googles_library()
    {
        var messages = new RandomMessages(2);
        int read = 0;
        for (int round = 0; round < 40_000; round++)
            read += IsReadAlike(messages.Damage(messages.Model())) ? 1 : 0;
        Assert.InRange(read, 5_000, 35_000);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Damaged_models_are_read_or_refused_as_by_googles_library(string name)
    {
        var messages = new RandomMessages(3);
        byte[] file = Case(name);
        for (int round = 0; round < 500; round++)
            IsReadAlike(messages.Damage(file));
    }

    [Fact]
    public void A_model_that_ends_early_is_read_or_refused_as_by_googles_library()
    {
        byte[] file = Case("uds.model");
        for (int length = 0; length < 2000; length++)
        {
            IsReadAlike(file[..length]);
            IsReadAlike(file[^length..]);
        }
    }

    [Fact]
    public void A_file_that_googles_library_refuses_is_refused_with_a_sentence()
    {
        var messages = new RandomMessages(4);
        var path = _folder.File("tokenizer.model");
        int damaged = 0;
        for (int round = 0; round < 1000; round++)
        {
            var file = messages.Damage(messages.Model());
            if (file.Length == 0)
                continue;
            File.WriteAllBytes(path, file);
            var error = Record.Exception(() => { TextTokenizer.Load(path); });
            if (IsReadAlike(file))
            {
                Assert.True(error is null or CheckpointException or UnsupportedTokenizerException, $"{error}");
                Assert.DoesNotContain("no SentencePiece model", error?.Message ?? "", StringComparison.Ordinal);
                continue;
            }
            damaged++;
            var said = Assert.IsType<CheckpointException>(error).Message;
            Assert.Matches(@"the file (is no SentencePiece model \(.* byte \d+.*\)|has 0 pieces, and .*)\. Download the file again", said);
        }
        Assert.InRange(damaged, 200, 900);
    }

    // Whether both read it; that only one does, or the other values, is a failure.
    private static bool IsReadAlike(byte[] file)
    {
        ModelProto? expected = null;
        try
        {
            expected = ModelProto.Parser.ParseFrom(file);
        }
        catch (InvalidProtocolBufferException)
        {
        }

        SentencePieceModel? ours = null;
        try
        {
            ours = Read(file);
        }
        catch (InvalidDataException)
        {
        }

        Assert.True(expected is null == ours is null, $"Google's library {(expected is null ? "refuses" : "reads")} {Convert.ToHexString(file)}.");
        if (expected is null || ours is null)
            return false;
        Assert.Equal(expected.Pieces.Count, ours.Pieces.Count);
        for (int i = 0; i < ours.Pieces.Count; i++)
        {
            var (piece, other) = (expected.Pieces[i], ours.Pieces[i]);
            Assert.Equal(piece.Piece_, other.Text);
            Assert.Equal(BitConverter.SingleToUInt32Bits(piece.Score), BitConverter.SingleToUInt32Bits(other.Score));
            Assert.Equal((int)piece.Type, (int)other.Type);
        }
        var trainer = expected.TrainerSpec ?? new();
        Assert.Equal(
            ((int)trainer.ModelType, trainer.TreatWhitespaceAsSuffix, trainer.ByteFallback, trainer.BosPiece, trainer.EosPiece),
            ((int)ours.Trainer.ModelType, ours.Trainer.TreatWhitespaceAsSuffix, ours.Trainer.ByteFallback, ours.Trainer.BosPiece, ours.Trainer.EosPiece));
        AssertAlike(expected.NormalizerSpec ?? new(), ours.Normalizer);
        AssertAlike(expected.DenormalizerSpec ?? new(), ours.Denormalizer);
        return true;
    }

    private static void AssertAlike(NormalizerSpec expected, OurNormalizerSpec ours)
    {
        Assert.Equal(expected.PrecompiledCharsmap.ToByteArray(), ours.PrecompiledCharsmap);
        Assert.Equal(
            (expected.AddDummyPrefix, expected.RemoveExtraWhitespaces, expected.EscapeWhitespaces),
            (ours.AddDummyPrefix, ours.RemoveExtraWhitespaces, ours.EscapeWhitespaces));
    }

    private static SentencePieceModel Read(byte[] file) => SentencePieceModel.Read(file, SentencePieceModel.CountPieces(file));

    private static byte[] Case(string name) => File.ReadAllBytes(Path.Combine(ReferenceCaseTests.Folder("SentencePieceCases"), name));
}
