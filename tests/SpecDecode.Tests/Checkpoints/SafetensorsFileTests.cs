using SpecDecode.Checkpoints;

namespace SpecDecode.Tests.Checkpoints;

public sealed class SafetensorsFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Tensors_of_a_valid_file_have_their_name_type_shape_and_bytes()
    {
        using var file = Open(new SafetensorsBuilder()
            .Metadata("format", "pt")
            .Add("a", "BF16", [2, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
            .Add("b", "U8", [2], [13, 14])
            .Build());

        Assert.Equal(["a", "b"], file.Tensors.Keys.Order());
        var a = file.Tensors["a"];
        Assert.Equal(("BF16", TensorElementType.BFloat16, 12L), (a.DType, a.ElementType, a.Length));
        Assert.Equal([2L, 3L], a.Shape);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], file.Bytes(a, 0, 12).ToArray());
        Assert.Equal([14], file.Bytes(file.Tensors["b"], 1, 1).ToArray());
        Assert.Equal(file.Length, a.Offset + 14);
    }

    [Fact]
    public void Padding_key_order_unknown_keys_and_escapes_in_a_header_are_read()
    {
        using var file = Open(SafetensorsBuilder.Raw(
            """{ "\u0061" : {"note":{"x":[1,{}]}, "data_offsets":[0,1],"shape":[1],"dtype":"BOOL"} }      """, 1));

        Assert.Equal(["a"], file.Tensors.Keys);
    }

    [Theory]
    [InlineData("F4", 4, 2)]
    [InlineData("F6_E2M3", 4, 3)]
    [InlineData("F6_E3M2", 8, 6)]
    [InlineData("F8_E4M3", 3, 3)]
    [InlineData("F8_E5M2", 3, 3)]
    [InlineData("F8_E8M0", 3, 3)]
    [InlineData("BOOL", 3, 3)]
    [InlineData("I8", 3, 3)]
    [InlineData("I16", 3, 6)]
    [InlineData("U16", 3, 6)]
    [InlineData("I32", 3, 12)]
    [InlineData("U32", 3, 12)]
    [InlineData("I64", 3, 24)]
    [InlineData("U64", 3, 24)]
    [InlineData("F64", 3, 24)]
    [InlineData("C64", 3, 24)]
    [InlineData("F16", 3, 6)]
    [InlineData("SOME_DAY", 3, 5)]
    public void Types_that_nobody_reads_do_not_keep_a_file_from_opening(string dtype, int elements, int bytes)
    {
        using var file = Open(new SafetensorsBuilder().Add("odd", dtype, [elements], new byte[bytes]).Build());

        Assert.Equal(bytes, file.Tensors["odd"].Length);
    }

    [Fact]
    public void Empty_tensors_scalars_and_a_file_without_tensors_are_fine()
    {
        using var file = Open(new SafetensorsBuilder()
            .Add("none", "F32", [0, 5], [])
            .Floats("scalar", [], 1.5f)
            .Add("end", "F16", [3, 0], [])
            .Build());
        using var empty = Open(SafetensorsBuilder.Raw("{}", 0));

        Assert.Equal(4, file.Tensors["scalar"].Length);
        Assert.True(file.Bytes(file.Tensors["end"], 0, 0).IsEmpty);
        Assert.Empty(empty.Tensors);
    }

    [Fact]
    public void Bytes_outside_of_the_tensor_are_refused()
    {
        using var file = Open(new SafetensorsBuilder().Add("a", "U8", [4], [1, 2, 3, 4]).Add("b", "U8", [4], new byte[4]).Build());
        var a = file.Tensors["a"];

        Assert.Throws<ArgumentOutOfRangeException>(() => file.Bytes(a, -1, 1).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Bytes(a, 0, -1).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Bytes(a, 0, 5).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Bytes(a, 4, 1).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Bytes(a, long.MaxValue, int.MaxValue).Length);
        Assert.Throws<ArgumentException>(() => file.Bytes(a with { File = "/other" }, 0, 1).Length);
        Assert.Throws<ArgumentException>(() => file.Bytes(a with { Length = long.MaxValue }, 0, 1).Length);
        Assert.Throws<ArgumentException>(() => file.Bytes(a with { Offset = -1 }, 0, 1).Length);
    }

    [Fact]
    public void Use_after_disposal_throws_and_disposing_twice_does_not()
    {
        var file = Open(new SafetensorsBuilder().Add("a", "U8", [1], [1]).Build());
        var a = file.Tensors["a"];
        file.Dispose();
        file.Dispose();

        Assert.Throws<ObjectDisposedException>(() => file.Bytes(a, 0, 1).Length);
        Assert.Throws<ObjectDisposedException>(() => file.DropPages(a));
    }

    [Fact]
    public void Dropped_pages_can_still_be_read()
    {
        var bytes = new byte[1 << 20];
        new Random(1).NextBytes(bytes);
        using var file = Open(new SafetensorsBuilder().Add("a", "U8", [3], [1, 2, 3]).Add("b", "U8", [bytes.Length], bytes).Build());
        var b = file.Tensors["b"];

        Assert.True(file.Bytes(b, 0, bytes.Length).SequenceEqual(bytes));
        file.DropPages(b);
        file.DropPages(file.Tensors["a"]);
        Assert.True(file.Bytes(b, 0, bytes.Length).SequenceEqual(bytes));
        Assert.Equal([1, 2, 3], file.Bytes(file.Tensors["a"], 0, 3).ToArray());
    }

    [Fact]
    public void Dropped_pages_are_no_longer_resident()
    {
        Assert.SkipUnless(File.Exists("/proc/self/smaps"), "Only Linux is told, and tells.");
        const int length = 32 << 20;
        using var file = Open(new SafetensorsBuilder().Add("a", "U8", [length], new byte[length]).Build());
        var a = file.Tensors["a"];
        Assert.False(file.Bytes(a, 0, length).ContainsAnyExcept((byte)0));
        long touched = ResidentKilobytes(file.Path);
        file.DropPages(a);

        Assert.True(touched > 30 << 10, $"only {touched} kB became resident");
        Assert.InRange(ResidentKilobytes(file.Path), 0, 128);
    }

    [Fact]
    public void Tensors_beyond_two_gigabytes_are_reached()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The file would take its whole length on the disk there.");
        const long length = (5L << 30) + 3;
        string path = _folder.Write("large.safetensors", SafetensorsBuilder.Raw(
            $$"""{"large":{"dtype":"U8","shape":[{{length}}],"data_offsets":[0,{{length}}] } }""", 0));
        using (var sparse = new FileStream(path, FileMode.Open, FileAccess.ReadWrite))
        {
            sparse.SetLength(sparse.Length + length);
            sparse.Position = sparse.Length - 1;
            sparse.WriteByte(42);
        }

        using var file = SafetensorsFile.Open(path);
        Assert.Equal([0, 42], file.Bytes(file.Tensors["large"], length - 2, 2).ToArray());
        file.DropPages(file.Tensors["large"]);
    }

    private static long ResidentKilobytes(string path)
    {
        var lines = File.ReadLines("/proc/self/smaps").SkipWhile(line => !line.EndsWith(path, StringComparison.Ordinal));
        string resident = lines.First(line => line.StartsWith("Rss:", StringComparison.Ordinal));
        return long.Parse(resident.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    private SafetensorsFile Open(byte[] bytes) => SafetensorsFile.Open(_folder.Write($"{Guid.NewGuid():N}.safetensors", bytes));
}
