using System.Text;
using SpecDecode.Checkpoints;

namespace SpecDecode.Tests.Checkpoints;

public sealed class DamagedSafetensorsTests : IDisposable
{
    private const string Good = """ "good":{"dtype":"U8","shape":[4],"data_offsets":[0,4]} """;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("no braces", """ "t":1 """, "does not begin with '{'")]
    [InlineData("a space first", """ {} """, "does not begin with '{'")]
    [InlineData("an array", "[]", "does not begin with '{'")]
    [InlineData("cut JSON", """{"t":{"dtype":"U8","shape":[4],"data_off""", "not valid JSON")]
    [InlineData("a second object", "{}{}", "not valid JSON")]
    [InlineData("a comment", "{/* */}", "not valid JSON")]
    [InlineData("null bytes as padding", "{}\0\0", "not valid JSON")]
    [InlineData("half a surrogate pair as name", """{"\ud800":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", "not valid Unicode")]
    [InlineData("half a surrogate pair as type", """{"t":{"dtype":"\ud800","shape":[4],"data_offsets":[0,4]}}""", "\"t\"")]
    [InlineData("tensor is a number", """{"t":5}""", "\"t\" has the number 5")]
    [InlineData("tensor is null", """{"t":null}""", "\"t\" has null")]
    [InlineData("metadata is text", """{"__metadata__":"pt"}""", "\"__metadata__\"")]
    [InlineData("metadata is null", """{"__metadata__":null}""", "\"__metadata__\"")]
    [InlineData("metadata holds a number", """{"__metadata__":{"format":1}}""", "\"__metadata__\"")]
    [InlineData("metadata twice", """{"__metadata__":{},"__metadata__":{}}""", "\"__metadata__\" twice")]
    [InlineData("no dtype", """{"t":{"shape":[4],"data_offsets":[0,4]}}""", "\"t\" has no \"dtype\"")]
    [InlineData("no shape", """{"t":{"dtype":"U8","data_offsets":[0,4]}}""", "\"t\" has no \"shape\"")]
    [InlineData("no offsets", """{"t":{"dtype":"U8","shape":[4]}}""", "\"t\" has no \"data_offsets\"")]
    [InlineData("dtype twice", """{"t":{"dtype":"U8","dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", "\"t\" has \"dtype\" twice")]
    [InlineData("dtype is a number", """{"t":{"dtype":8,"shape":[4],"data_offsets":[0,4]}}""", "\"t\" has the number 8")]
    [InlineData("shape is text", """{"t":{"dtype":"U8","shape":"4","data_offsets":[0,4]}}""", "\"t\" has the text \"4\"")]
    [InlineData("shape holds text", """{"t":{"dtype":"U8","shape":["4"],"data_offsets":[0,4]}}""", "\"t\" has the text \"4\"")]
    [InlineData("shape holds an array", """{"t":{"dtype":"U8","shape":[[4]],"data_offsets":[0,4]}}""", "\"t\" has an array")]
    [InlineData("negative dimension", """{"t":{"dtype":"U8","shape":[-4],"data_offsets":[0,4]}}""", "\"t\" has the number -4")]
    [InlineData("negative zero", """{"t":{"dtype":"U8","shape":[-0],"data_offsets":[0,4]}}""", "\"t\" has the number -0")]
    [InlineData("fraction", """{"t":{"dtype":"U8","shape":[4.5],"data_offsets":[0,4]}}""", "\"t\" has the number 4.5")]
    [InlineData("exponent", """{"t":{"dtype":"U8","shape":[4e0],"data_offsets":[0,4]}}""", "\"t\" has the number 4e0")]
    [InlineData("2^70", """{"t":{"dtype":"U8","shape":[1180591620717411303424],"data_offsets":[0,4]}}""", "the number 1180591620717411303424")]
    [InlineData("one offset", """{"t":{"dtype":"U8","shape":[4],"data_offsets":[4]}}""", "\"t\" has the data_offsets [4]")]
    [InlineData("three offsets", """{"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4,4]}}""", "\"t\" has the data_offsets [0, 4, 4]")]
    [InlineData("offsets backwards", """{"t":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}""", "\"t\" has the data_offsets [4, 0]")]
    [InlineData("shape overflows", """{"t":{"dtype":"U8","shape":[4294967296,4294967296,4],"data_offsets":[0,4]}}""", "larger than any file")]
    [InlineData("size overflows", """{"t":{"dtype":"F64","shape":[9223372036854775807],"data_offsets":[0,4]}}""", "takes 73786976294838206456 bytes")]
    [InlineData("wraps to the right size", """{"t":{"dtype":"F64","shape":[4611686018427387904,2,2],"data_offsets":[0,0]}}""", "larger than any")]
    [InlineData("shape too small", """{"t":{"dtype":"U8","shape":[3],"data_offsets":[0,4]}}""", "\"t\" of U8 [3] takes 3 bytes")]
    [InlineData("shape too large", """{"t":{"dtype":"F32","shape":[2,3],"data_offsets":[0,4]}}""", "\"t\" of F32 [2, 3] takes 24 bytes")]
    [InlineData("no whole bytes", """{"t":{"dtype":"F4","shape":[7],"data_offsets":[0,4]}}""", "\"t\" of F4 [7]")]
    [InlineData("behind the end", """{"t":{"dtype":"U8","shape":[6],"data_offsets":[0,6]}}""", "the file ends 2 bytes early: tensor \"t\"")]
    [InlineData("unknown type behind the end", """{"t":{"dtype":"X9","shape":[6],"data_offsets":[0,9]}}""", "ends 5 bytes early: tensor \"t\"")]
    [InlineData("far behind the end", """{"t":{"dtype":"U8","shape":[0],"data_offsets":[9223372036854775807,9223372036854775807]}}""", "\"t\"")]
    [InlineData("bytes behind the last", """{"t":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}""", "1 bytes behind the last tensor \"t\"")]
    [InlineData("bytes of no tensor", "{}", "4 bytes behind the last tensor")]
    [InlineData("hole at the start", """{"t":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}""", "\"t\" begins at byte 1")]
    public void A_header_that_lies_is_refused_with_its_tensor_and_fault(string fault, string header, string message)
        => AssertRefused(fault, SafetensorsBuilder.Raw(header, 4), message);

    [Theory]
    [InlineData("same name twice", """, "good":{"dtype":"U8","shape":[0],"data_offsets":[4,4]} """, "\"good\" twice")]
    [InlineData("same name, escaped", """, "\u0067ood":{"dtype":"U8","shape":[0],"data_offsets":[4,4]} """, "\"good\" twice")]
    [InlineData("overlap", """, "t":{"dtype":"U8","shape":[5],"data_offsets":[3,8]} """, "\"t\" begins at byte 3 of the data, inside tensor \"good\"")]
    [InlineData("same place", """, "t":{"dtype":"U8","shape":[4],"data_offsets":[0,4]} """, "inside tensor")]
    [InlineData("unknown type overlaps", """, "t":{"dtype":"X9","shape":[5],"data_offsets":[3,8]} """, "inside tensor \"good\"")]
    [InlineData("empty tensor inside", """, "t":{"dtype":"U8","shape":[0],"data_offsets":[2,2]} """, "\"t\" begins at byte 2")]
    [InlineData("hole", """, "t":{"dtype":"U8","shape":[3],"data_offsets":[5,8]} """, "\"t\" begins at byte 5 of the data, and the bytes from 4 on")]
    public void A_second_tensor_that_does_not_fit_the_first_is_refused(string fault, string second, string message)
        => AssertRefused(fault, SafetensorsBuilder.Raw("{" + Good + second + "}", 8), message);

    [Fact]
    public void Files_shorter_than_their_length_prefix_are_refused()
    {
        AssertRefused("empty", [], "is empty");
        for (int length = 1; length < 8; length++)
            AssertRefused("short", new byte[length], $"has {length} bytes");
        AssertRefused("no header", SafetensorsBuilder.Claim(0), "does not begin with '{'");
        AssertRefused("only a brace", SafetensorsBuilder.Claim(1, (byte)'{'), "does not begin with '{'");
        AssertRefused("one byte short", SafetensorsBuilder.Claim(3, "{}"u8), "only 2 bytes follow");
    }

    [Theory]
    [InlineData(50_000_000UL, "only 2 bytes follow")]
    [InlineData(100_000_000UL, "only 2 bytes follow")]
    [InlineData(100_000_001UL, "more than the 100000000")]
    [InlineData(100UL << 30, "more than the 100000000")]
    [InlineData(ulong.MaxValue, "claims a header of 18446744073709551615 bytes")]
    [InlineData(ulong.MaxValue - 7, "more than the 100000000")]
    public void A_huge_claim_of_a_header_is_refused_before_anything_of_its_size_is_allocated(ulong claim, string message)
    {
        string path = _folder.Write("huge.safetensors", SafetensorsBuilder.Claim(claim, "{}"u8));
        long before = GC.GetAllocatedBytesForCurrentThread();
        var failure = Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(path));
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
        Assert.InRange(allocated, 0, 100_000);
    }

    [Fact]
    public void A_header_that_is_not_utf8_is_refused()
    {
        byte[] header = Encoding.UTF8.GetBytes("{" + Good + "}");
        header[header.AsSpan().IndexOf("good"u8)] = 0xFF;
        AssertRefused("not UTF-8", SafetensorsBuilder.Raw(header, new byte[4]), "not valid UTF-8");
    }

    [Theory]
    [InlineData("""{"t":""", "{\"a\":", "1")]
    [InlineData("""{"t":{"note":""", "[", "")]
    [InlineData("""{"t":{"shape":""", "[", "")]
    public void Deep_nesting_is_refused_without_a_crash(string start, string nest, string core)
    {
        string header = start + string.Concat(Enumerable.Repeat(nest, 200_000)) + core;
        AssertRefused("deep", SafetensorsBuilder.Raw(header, 0), "\"t\"");
    }

    [Fact]
    public void Long_and_unprintable_names_are_cut_and_escaped_in_messages()
    {
        string name = "bell\\u0007" + new string('x', 100_000);
        string path = _folder.Write("long.safetensors", SafetensorsBuilder.Raw($$"""{"{{name}}":1}""", 0));
        var failure = Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(path));

        Assert.Contains("\"bell\\u0007xxx", failure.Message, StringComparison.Ordinal);
        Assert.InRange(failure.Message.Length, 100, 600);
    }

    [Fact]
    public void What_is_no_file_is_refused()
    {
        var folder = Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(_folder.Path));
        Assert.Contains("is a folder", folder.Message, StringComparison.Ordinal);
        var missing = Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(_folder.File("none")));
        Assert.Contains("does not exist", missing.Message, StringComparison.Ordinal);
        Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(_folder.File("none/none")));
        Assert.Throws<CheckpointException>(() => SafetensorsFile.Open("a\0b"));
        Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(""));
        Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(_folder.File(new string('x', 5000))));
    }

    [Fact]
    public void Links_are_followed_and_a_link_to_nothing_is_refused()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a right there.");
        string target = _folder.Write("blob", SafetensorsBuilder.Raw("{}", 0));
        File.CreateSymbolicLink(_folder.File("good.safetensors"), target);
        File.CreateSymbolicLink(_folder.File("bad.safetensors"), _folder.File("gone"));
        File.CreateSymbolicLink(_folder.File("loop.safetensors"), _folder.File("loop.safetensors"));

        SafetensorsFile.Open(_folder.File("good.safetensors")).Dispose();
        var failure = Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(_folder.File("bad.safetensors")));
        Assert.Contains("is a link to", failure.Message, StringComparison.Ordinal);
        Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(_folder.File("loop.safetensors")));
    }

    [Fact]
    public void A_named_pipe_is_refused_instead_of_waited_for()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Named pipes are not files elsewhere.");
        string path = _folder.File("pipe.safetensors");
        using (var make = System.Diagnostics.Process.Start("mkfifo", path))
            make.WaitForExit();

        Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(path));
    }

    [Fact]
    public void A_file_without_the_right_to_read_is_refused()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess, "The owner of the machine may read everything.");
        string path = _folder.Write("secret.safetensors", SafetensorsBuilder.Raw("{}", 0));
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.None);

        var failure = Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(path));
        Assert.Contains("permission denied", failure.Message, StringComparison.Ordinal);
    }

    private void AssertRefused(string fault, byte[] bytes, string message)
    {
        string path = _folder.Write("damaged.safetensors", bytes);
        var failure = Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(path));

        Assert.Equal(path, failure.Path);
        Assert.StartsWith(path, failure.Message, StringComparison.Ordinal);
        Assert.True(failure.Message.Contains(message, StringComparison.Ordinal), $"{fault}: {failure.Message}");
        Assert.Contains("again", failure.Message, StringComparison.Ordinal);
    }
}
