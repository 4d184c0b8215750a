using SpecDecode.Checkpoints;

namespace SpecDecode.Tests.Checkpoints;

public sealed class ShardedCheckpointTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public ShardedCheckpointTests()
    {
        _folder.Write("config.json", "{}");
        _folder.Write("one.safetensors", new SafetensorsBuilder().Floats("a", [1], 1).Floats("extra", [1], 9).Build());
        _folder.Write("two.safetensors", new SafetensorsBuilder().Floats("b", [2], 2, 3).Build());
        Index("""{"a": "one.safetensors", "b": "two.safetensors"}""");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Tensors_are_read_from_the_shards_that_the_index_names()
    {
        using var checkpoint = Checkpoint.Open(_folder.Path);
        var b = checkpoint.Require("b", 2);
        var values = new float[2];
        checkpoint.ReadFloats(b, 0, values);
        checkpoint.DropPages(b);

        Assert.Equal([2f, 3f], values);
        Assert.Equal(_folder.File("two.safetensors"), b.File);
        Assert.Equal(["a", "b"], checkpoint.Tensors.Keys.Order());
        var failure = Assert.Throws<CheckpointException>(() => checkpoint.Require("c", 1));
        Assert.Contains(_folder.Path + ": tensor \"c\"", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_single_file_goes_before_an_index()
    {
        _folder.Write("model.safetensors", new SafetensorsBuilder().Floats("single", [1], 1).Build());
        using var checkpoint = Checkpoint.Open(_folder.Path);

        Assert.Equal(["single"], checkpoint.Tensors.Keys);
    }

    [Theory]
    [InlineData("""{"a": "one.safetensors", "b": "three.safetensors"}""", "three.safetensors: is missing, and model.safetensors.index.json names it for tensor \"b\"")]
    [InlineData("""{"a": "../one.safetensors"}""", "\"weight_map.a\" is \"../one.safetensors\"; expected the plain name")]
    [InlineData("""{"a": "/one.safetensors"}""", "\"weight_map.a\" is \"/one.safetensors\"; expected the plain name")]
    [InlineData("""{"a": "x\\one.safetensors"}""", "expected the plain name")]
    [InlineData("""{"a": "C:one.safetensors"}""", "expected the plain name")]
    [InlineData("""{"a": "..safetensors"}""", "expected the plain name")]
    [InlineData("""{"a": "one\u0000.safetensors"}""", "expected the plain name")]
    [InlineData("""{"a": ""}""", "expected the plain name")]
    [InlineData("""{"a": "config.json"}""", "expected the plain name")]
    [InlineData("""{"a": "\ud800.safetensors"}""", "\"weight_map.a\" is text that is not valid Unicode")]
    [InlineData("""{"\ud800": "one.safetensors"}""", "a key is text that is not valid Unicode")]
    [InlineData("""{"a": 1}""", "\"weight_map.a\" is 1; expected the name of a shard")]
    [InlineData("""{"a": "one.safetensors", "a": "two.safetensors"}""", "\"weight_map.a\" is there twice")]
    [InlineData("{}", "\"weight_map\" is empty")]
    [InlineData("[]", "\"weight_map\" is an array of 0; expected one object")]
    [InlineData("{}, \"weight_map\": {}", "\"weight_map\" is there twice; expected one object")]
    public void An_index_that_does_not_fit_its_shards_is_refused(string weightMap, string message)
    {
        Index(weightMap);
        AssertRefused(message);
    }

    [Theory]
    [InlineData("{}", "\"weight_map\" is missing")]
    [InlineData("[]", "holds an array of 0 where a JSON object is expected")]
    [InlineData("{\"weight_map\": {", "not valid JSON at line 1")]
    [InlineData("", "is empty")]
    public void A_file_that_is_no_index_is_refused(string index, string message)
    {
        _folder.Write("model.safetensors.index.json", index);
        AssertRefused("model.safetensors.index.json: ");
        AssertRefused(message);
    }

    [Fact]
    public void Of_a_tensor_in_two_shards_the_one_counts_that_the_index_names()
    {
        _folder.Write("two.safetensors", new SafetensorsBuilder().Floats("b", [2], 2, 3).Floats("a", [1], 7).Floats("extra", [1], 9).Build());
        Assert.Equal([1f], ReadA());
        Index("""{"a": "two.safetensors", "b": "two.safetensors", "extra": "one.safetensors"}""");
        Assert.Equal([7f], ReadA());

        float[] ReadA()
        {
            using var checkpoint = Checkpoint.Open(_folder.Path);
            var values = new float[1];
            checkpoint.ReadFloats(checkpoint.Require("a", 1), 0, values);
            return values;
        }
    }

    [Theory]
    [InlineData("""{"a": "one.safetensors", "b": "one.safetensors"}""", "b", "tensor \"b\" should be in one.safetensors, and it is in two.safetensors")]
    [InlineData("""{"a": "one.safetensors", "b": "two.safetensors", "c": "two.safetensors"}""", "c", "tensor \"c\" should be in two.safetensors, and no shard has it")]
    public void A_tensor_that_is_not_where_the_index_says_is_refused_by_whoever_needs_it(string weightMap, string needed, string message)
    {
        _folder.Write("one.safetensors", new SafetensorsBuilder().Floats("a", [1], 1).Build());
        Index(weightMap);
        if (needed == "b")
            Index(weightMap[..^1] + ", \"d\": \"two.safetensors\"}");
        using var checkpoint = Checkpoint.Open(_folder.Path);

        Assert.False(checkpoint.TryGet(needed, out _));
        Assert.Contains("index.json: " + message, Assert.Throws<CheckpointException>(() => checkpoint.Require(needed, 1)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("layers.0.a", "embed_tokens.weight", "model.layers.0.a")]
    [InlineData("embed_tokens.weight", "layers.0.a", "model.embed_tokens.weight")]
    [InlineData("lm_head.weight", "embed_tokens.weight", "lm_head.weight")]
    public void So_it_is_where_names_lack_their_prefix_whichever_of_them_is_missing(string missing, string present, string needed)
    {
        _folder.Write("one.safetensors", new SafetensorsBuilder().Floats(present, [1], 1).Build());
        Index($$"""{"{{present}}": "one.safetensors", "{{missing}}": "one.safetensors"}""");
        using var checkpoint = Checkpoint.Open(_folder.Path);

        Assert.True(checkpoint.TryGet("model." + present, out _));
        var failure = Assert.Throws<CheckpointException>(() => checkpoint.Require(needed, 1));
        Assert.Contains($"index.json: tensor \"{missing}\" should be in one.safetensors, and no shard has it", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_shard_is_named_and_the_others_are_closed()
    {
        byte[] bytes = File.ReadAllBytes(_folder.File("two.safetensors"));
        _folder.Write("two.safetensors", bytes.AsSpan(0, bytes.Length - 3));
        AssertRefused("two.safetensors: the file ends 3 bytes early: tensor \"b\"");

        // A file that is still held could not be opened for writing alone.
        using var alone = new FileStream(_folder.File("one.safetensors"), FileMode.Open, FileAccess.ReadWrite, FileShare.None);
    }

    private void Index(string weightMap)
        => _folder.Write("model.safetensors.index.json", $$"""{"metadata": {"total_size": 16}, "weight_map": {{weightMap}} }""");

    private void AssertRefused(string message)
    {
        var failure = Assert.Throws<CheckpointException>(() => Checkpoint.Open(_folder.Path));
        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
    }
}
