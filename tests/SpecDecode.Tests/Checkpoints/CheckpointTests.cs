using System.Runtime.InteropServices;
using SpecDecode.Checkpoints;

namespace SpecDecode.Tests.Checkpoints;

public sealed class CheckpointTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_folder_opens_with_its_config_tensors_and_what_else_it_has()
    {
        WriteGood();
        using (var bare = Checkpoint.Open(_folder.Path))
        {
            Assert.Null(bare.GenerationConfig);
            Assert.Null(bare.TokenizerPath);
        }

        _folder.Write("generation_config.json", """{"eos_token_id": [1, 2]}""");
        _folder.Write("tokenizer.json", "{}");
        using var checkpoint = Checkpoint.Open(_folder.Path + Path.DirectorySeparatorChar + ".");

        Assert.Equal(_folder.Path, checkpoint.Folder.TrimEnd(Path.DirectorySeparatorChar));
        Assert.Equal(3, checkpoint.Config.PositiveInt("hidden_size"));
        Assert.Equal([1, 2], checkpoint.GenerationConfig!.IntOrInts("eos_token_id"));
        Assert.Equal(_folder.File("tokenizer.json"), checkpoint.TokenizerPath);
        Assert.True(checkpoint.TryGet("w", out var w));
        Assert.Equal("F32", w.DType);
        Assert.False(checkpoint.TryGet("none", out _));
    }

    [Fact]
    public void Floats_are_read_from_any_element_on()
    {
        WriteGood();
        using var checkpoint = Checkpoint.Open(_folder.Path);
        var w = checkpoint.Require("w", 2, 3);
        var some = new float[3];
        checkpoint.ReadFloats(w, 2, some);
        checkpoint.ReadFloats(w, 6, []);
        var h = new float[1];
        checkpoint.ReadFloats(checkpoint.Require("h", 2), 1, h);

        Assert.Equal([3f, 4f, 5f], some);
        Assert.Equal([-2f], h);
        Assert.Throws<ArgumentOutOfRangeException>(() => checkpoint.ReadFloats(w, 4, some));
        Assert.Throws<ArgumentOutOfRangeException>(() => checkpoint.ReadFloats(w, -1, some));
        Assert.Throws<ArgumentOutOfRangeException>(() => checkpoint.ReadFloats(w, long.MaxValue, some));
        Assert.Throws<ArgumentException>(() => checkpoint.ReadFloats(w with { File = "/other" }, 0, some));
        Assert.Contains("\"ids\" has the type I64", Assert.Throws<CheckpointException>(
            () => checkpoint.ReadFloats(checkpoint.Tensors["ids"], 0, some)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_elements_than_one_piece_holds_are_read_in_order()
    {
        const int length = (1 << 24) + 37;
        var bits = new ushort[length];
        for (int i = 0; i < length; i++)
            bits[i] = (ushort)(i * 31);
        _folder.Write("config.json", "{}");
        _folder.Write("model.safetensors", new SafetensorsBuilder().Add("w", "BF16", [length], MemoryMarshal.AsBytes<ushort>(bits)).Build());
        using var checkpoint = Checkpoint.Open(_folder.Path);
        var w = checkpoint.Require("w", length);
        var all = new float[length - 1];
        checkpoint.ReadFloats(w, 1, all);
        checkpoint.DropPages(w);

        for (int i = 0; i < all.Length; i += i < all.Length - 100 ? 97 : 1)
            Assert.Equal((uint)bits[i + 1] << 16, BitConverter.SingleToUInt32Bits(all[i]));
    }

    [Theory]
    [InlineData("none", new long[] { 4096, 256 }, "tensor \"none\" is missing; expected one of shape [4096, 256]")]
    [InlineData("w", new long[] { 3, 2 }, "tensor \"w\" has the shape [2, 3]; expected [3, 2]")]
    [InlineData("w", new long[] { }, "tensor \"w\" has the shape [2, 3]; expected []")]
    [InlineData("ids", new long[] { 1 }, "tensor \"ids\" has the type I64; expected F32, F16 or BF16")]
    public void A_required_tensor_that_is_missing_or_different_is_named_with_what_was_expected(string name, long[] shape, string message)
    {
        WriteGood();
        using var checkpoint = Checkpoint.Open(_folder.Path);
        var failure = Assert.Throws<CheckpointException>(() => checkpoint.Require(name, shape));

        Assert.Contains("model.safetensors: " + message, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_is_missing_or_a_file_or_no_checkpoint_is_refused_with_the_mend()
    {
        AssertRefused(_folder.File("none"), "none: does not exist");
        AssertRefused(_folder.Write("file", "x"), "file: is a file; give the folder");
        AssertRefused(_folder.Path, "config.json: does not exist");
        AssertRefused("", "no path");
        AssertRefused("a\0b", "correct the path");
        _folder.Write("config.json", "{}");
        AssertRefused(_folder.Path, "holds neither model.safetensors nor model.safetensors.index.json; download");
    }

    [Theory]
    [InlineData("pytorch_model.bin")]
    [InlineData("pytorch_model-00001-of-00002.bin")]
    public void Weights_of_another_format_are_named_with_the_advice_to_convert(string name)
    {
        _folder.Write("config.json", "{}");
        _folder.Write(name, "x");
        AssertRefused(_folder.Path, $"it has {name}, and only safetensors are read: convert it");
    }

    [Fact]
    public void A_folder_in_the_place_of_a_file_is_refused()
    {
        Directory.CreateDirectory(_folder.File("config.json"));
        AssertRefused(_folder.Path, "config.json: is a folder");
        Directory.Delete(_folder.File("config.json"));
        _folder.Write("config.json", "{}");
        Directory.CreateDirectory(_folder.File("model.safetensors"));
        AssertRefused(_folder.Path, "model.safetensors: is a folder");
    }

    [Fact]
    public void Use_after_disposal_throws()
    {
        WriteGood();
        var checkpoint = Checkpoint.Open(_folder.Path);
        var w = checkpoint.Require("w", 2, 3);
        checkpoint.Dispose();

        Assert.Throws<ObjectDisposedException>(() => checkpoint.ReadFloats(w, 0, new float[1]));
        Assert.Throws<ObjectDisposedException>(() => checkpoint.DropPages(w));
        Assert.Throws<ObjectDisposedException>(() => checkpoint.Fingerprint(null, TestContext.Current.CancellationToken));
    }

    private void WriteGood()
    {
        _folder.Write("config.json", """{"hidden_size": 3}""");
        _folder.Write("model.safetensors", new SafetensorsBuilder()
            .Floats("w", [2, 3], 1, 2, 3, 4, 5, 6)
            .Add("h", "F16", [2], [0x00, 0x3C, 0x00, 0xC0])
            .Add("ids", "I64", [1], new byte[8])
            .Build(padding: 1));
    }

    private static void AssertRefused(string folder, string message)
        => Assert.Contains(message, Assert.Throws<CheckpointException>(() => Checkpoint.Open(folder)).Message, StringComparison.Ordinal);
}
