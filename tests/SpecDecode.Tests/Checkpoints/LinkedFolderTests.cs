using SpecDecode.Checkpoints;

namespace SpecDecode.Tests.Checkpoints;

/// <summary>Folders made of links, as the Hugging Face cache makes them and people link to them.</summary>
public sealed class LinkedFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    // hub/models--x--m/snapshots/abc/NAME -> ../../blobs/NAME.blob, and models/m -> ../hub/models--x--m/snapshots/abc
    public LinkedFolderTests()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a right of their own on Windows.");
        Directory.CreateDirectory(At("hub/models--x--m/blobs"));
        Directory.CreateDirectory(At("hub/models--x--m/snapshots/abc"));
        Directory.CreateDirectory(At("models"));
        Blob("config.json", """{"hidden_size": 3}"""u8);
        Blob("model.safetensors", new SafetensorsBuilder().Floats("w", [1], 5).Build());
        Link("models/m", "../hub/models--x--m/snapshots/abc");
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("hub/models--x--m/snapshots/abc")]
    [InlineData("models/m")]
    [InlineData("models/m/")]
    [InlineData("models/m/../abc")]
    [InlineData("chain")]
    [InlineData("absolute/m")]
    public void A_folder_opens_through_any_links_that_lead_to_it(string folder)
    {
        Link("chain", "second");
        Link("second", "models/m");
        Link("absolute", At("models"));

        Assert.Equal([5f], Read(At(folder)));
    }

    [Fact]
    public void Files_may_be_links_to_links_into_other_folders_and_shards_too()
    {
        Delete("model.safetensors");
        Blob("one.safetensors", new SafetensorsBuilder().Floats("w", [1], 7).Build());
        Delete("one.safetensors");
        Directory.CreateDirectory(At("elsewhere/deep"));
        Link("elsewhere/shard", At("hub/models--x--m/blobs/one.safetensors.blob"));
        Link("elsewhere/deep/again", "../shard");
        Link("hub/models--x--m/snapshots/abc/one.safetensors", "../../../../elsewhere/deep/again");
        Blob("model.safetensors.index.json", """{"weight_map": {"w": "one.safetensors"}}"""u8);

        Assert.Equal([7f], Read(At("models/m")));
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("model.safetensors")]
    [InlineData("generation_config.json")]
    public void A_link_that_leads_nowhere_is_refused_with_where_it_leads_also_in_a_file_that_may_be_absent(string name)
    {
        Delete(name);
        Link("hub/models--x--m/snapshots/abc/" + name, "../../blobs/gone");

        AssertRefused($"{name}: is a link to {At("hub/models--x--m/blobs/gone")}, which does not exist");
    }

    [Fact]
    public void Links_in_a_circle_are_refused()
    {
        Delete("config.json");
        Link("hub/models--x--m/snapshots/abc/config.json", "other");
        Link("hub/models--x--m/snapshots/abc/other", "config.json");

        AssertRefused("config.json: is a link that leads through more than 40 others or in a circle");
    }

    [Fact]
    public void A_link_to_a_folder_in_the_place_of_a_file_is_refused()
    {
        Delete("config.json");
        Link("hub/models--x--m/snapshots/abc/config.json", "../../blobs");

        AssertRefused("config.json: is a folder where a file is expected");
    }

    [Fact]
    public void A_link_to_an_empty_file_is_refused_as_empty()
    {
        Delete("config.json");
        Blob("config.json", []);

        AssertRefused("config.json: is empty");
    }

    [Fact]
    public void A_missing_shard_that_is_a_link_to_nowhere_is_refused_by_the_link()
    {
        Delete("model.safetensors");
        Link("hub/models--x--m/snapshots/abc/one.safetensors", "../../blobs/gone");
        Blob("model.safetensors.index.json", """{"weight_map": {"w": "one.safetensors"}}"""u8);

        AssertRefused("one.safetensors: is a link to ");
    }

    private static float[] Read(string folder)
    {
        using Checkpoint checkpoint = Checkpoint.Open(folder);
        float[] values = new float[1];
        checkpoint.ReadFloats(checkpoint.Require("w", 1), 0, values);
        return values;
    }

    private void AssertRefused(string said) =>
        Assert.Contains(said, Assert.Throws<CheckpointException>(() => Checkpoint.Open(At("models/m"))).Message, StringComparison.Ordinal);

    private void Blob(string name, ReadOnlySpan<byte> bytes)
    {
        File.WriteAllBytes(At($"hub/models--x--m/blobs/{name}.blob"), bytes);
        Link("hub/models--x--m/snapshots/abc/" + name, $"../../blobs/{name}.blob");
    }

    private void Delete(string name) => File.Delete(At("hub/models--x--m/snapshots/abc/" + name));

    private void Link(string path, string target) => File.CreateSymbolicLink(At(path), target);

    private string At(string path) => Path.Combine(_folder.Path, path);
}
