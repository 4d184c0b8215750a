using SpecDecode.Checkpoints;

namespace SpecDecode.Tests.Checkpoints;

public sealed class ConfigDocumentTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Values_of_the_right_type_are_read_and_absent_or_null_ones_fall_back()
    {
        var config = Load("""
            {"n": 7, "zero": 0, "x": 1e-5, "whole": 2, "t": true, "s": "silu", "ids": [1, -2], "id": 3, "null": null,
             "numbers": [1, 2.5], "texts": ["a", "b"], "nested": {"deeper": {"k": 5}}, "twice": 1, "twice": 2}
            """);

        Assert.Equal(7, config.PositiveInt("n"));
        Assert.Equal(9, config.PositiveInt("none", 9));
        Assert.Equal(9, config.PositiveInt("null", 9));
        Assert.Equal(0, config.NonNegativeInt("zero"));
        Assert.Equal(0, config.NonNegativeInt("none", 0));
        Assert.Equal(1e-5, config.PositiveNumber("x"));
        Assert.Equal(2.0, config.PositiveNumber("whole"));
        Assert.Equal(0.5, config.PositiveNumber("null", 0.5));
        Assert.True(config.Bool("t", false));
        Assert.True(config.Bool("null", true));
        Assert.Equal("silu", config.String("s", null));
        Assert.Equal("silu", config.RequiredString("s"));
        Assert.Null(config.String("null", null));
        Assert.Equal([1, -2], config.IntOrInts("ids"));
        Assert.Equal([3], config.IntOrInts("id"));
        Assert.Empty(config.IntOrInts("null"));
        Assert.Equal([1.0, 2.5], config.Numbers("numbers"));
        Assert.Equal(["a", "b"], config.Strings("texts"));
        Assert.Empty(config.Strings("none"));
        Assert.Equal(5, config.Object("nested")!.Object("deeper")!.PositiveInt("k"));
        Assert.Null(config.Object("null"));
        Assert.Equal(2, config.PositiveInt("twice"));
        Assert.True(config.Has("n"));
        Assert.False(config.Has("null") || config.Has("none"));
    }

    [Theory]
    [InlineData("0", "is 0; expected a whole number from 1 to 100")]
    [InlineData("-3", "is -3; expected")]
    [InlineData("101", "is 101; expected")]
    [InlineData("4.5", "is 4.5; expected")]
    [InlineData("4.0", "is 4.0; expected")]
    [InlineData("1e1", "is 1e1; expected")]
    [InlineData("1180591620717411303424", "is 1180591620717411303424; expected")]
    [InlineData("\"7\"", "is \"7\"; expected")]
    [InlineData("true", "is true; expected")]
    [InlineData("[7]", "is an array of 1; expected")]
    [InlineData("{}", "is an object; expected")]
    [InlineData("null", "is missing; expected")]
    public void Anything_else_than_a_positive_whole_number_is_refused(string value, string message)
        => AssertRefused(() => Load($$"""{"k": {{value}}}""").PositiveInt("k", max: 100), "config.json: \"k\" " + message);

    [Theory]
    [InlineData("0")]
    [InlineData("-1.5")]
    [InlineData("1e999")]
    [InlineData("\"1\"")]
    [InlineData("null")]
    public void Anything_else_than_a_finite_positive_number_is_refused(string value)
        => AssertRefused(() => Load($$"""{"rope_scaling": {"factor": {{value}} } }""").Object("rope_scaling")!.PositiveNumber("factor"),
            "config.json: \"rope_scaling.factor\" is ");

    [Fact]
    public void Values_of_another_type_are_refused_by_every_reader()
    {
        var config = Load("""{"k": {"x": 1}, "n": 5, "mixed": [1, "a"], "large": 3000000000, "s": "", "half": "\ud800", "inf": [1e999]}""");

        AssertRefused(() => config.NonNegativeInt("k"), "\"k\" is an object; expected a whole number from 0 on");
        AssertRefused(() => config.Bool("n", false), "\"n\" is 5; expected true or false");
        AssertRefused(() => config.String("n", null), "\"n\" is 5; expected a text");
        AssertRefused(() => config.RequiredString("none"), "\"none\" is missing");
        AssertRefused(() => config.RequiredString("s"), "\"s\" is empty");
        AssertRefused(() => config.RequiredString("half"), "\"half\" is text that is not valid Unicode");
        AssertRefused(() => config.Object("n"), "\"n\" is 5; expected an object");
        AssertRefused(() => config.IntOrInts("mixed"), "\"mixed\" is \"a\"; expected a whole number or an array of them");
        AssertRefused(() => config.IntOrInts("large"), "\"large\" is 3000000000");
        AssertRefused(() => config.Numbers("inf"), "\"inf\" is 1e999; expected an array of numbers");
        AssertRefused(() => config.Strings("mixed"), "\"mixed\" is 1; expected a text");
        AssertRefused(() => config.Strings("n"), "\"n\" is 5; expected an array of texts");
        AssertRefused(() => throw config.Object("k")!.Error("x", "is odd; expected even"), "\"k.x\" is odd; expected even");
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("[]", "holds an array of 0")]
    [InlineData("5", "holds 5")]
    [InlineData("{\"a\": 1,\n\"b\": }", "not valid JSON at line 2, byte 6")]
    [InlineData("{\"a\": nan}", "not valid JSON at line 1")]
    [InlineData("{\"a\": 1, // comment\n\"b\": 2}", "not valid JSON at line 1")]
    [InlineData("{\"a\": 1,}", "not valid JSON at line 1")]
    [InlineData("{} {}", "not valid JSON")]
    [InlineData("{\"\\ud800\": 1}", "a key is text that is not valid Unicode")]
    public void A_file_that_is_not_one_object_is_refused(string text, string message)
        => AssertRefused(() => Load(text), message);

    [Fact]
    public void Deep_nesting_is_refused_without_a_crash()
        => AssertRefused(() => Load("{\"a\":" + new string('[', 1_000_000)), "not valid JSON");

    [Fact]
    public void A_byte_order_mark_is_passed_over_and_what_is_not_utf8_refused()
    {
        _folder.Write("config.json", [0xEF, 0xBB, 0xBF, .. "{\"a\": 1}"u8]);
        Assert.Equal(1, ConfigDocument.Load(_folder.File("config.json")).PositiveInt("a"));

        _folder.Write("config.json", [.. "{\"a\": \""u8, 0xFF, .. "\"}"u8]);
        AssertRefused(() => ConfigDocument.Load(_folder.File("config.json")), "not valid UTF-8");
    }

    [Fact]
    public void A_file_of_more_than_16_megabytes_is_refused_before_it_is_read()
    {
        string path = _folder.File("config.json");
        using (var stream = File.Create(path))
            stream.SetLength((16 << 20) + 1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        AssertRefused(() => ConfigDocument.Load(path), "has 16777217 bytes");

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    private static void AssertRefused(Action read, string message)
        => Assert.Contains(message, Assert.Throws<CheckpointException>(read).Message, StringComparison.Ordinal);

    private static void AssertRefused(Func<object?> read, string message) => AssertRefused(() => { read(); }, message);

    private ConfigDocument Load(string text) => ConfigDocument.Load(_folder.Write("config.json", text));
}
