using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Families;

namespace SpecDecode.Tests.Families;

public sealed class AttentionShapeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("""{ "hidden_size": 64, "num_attention_heads": 4 }""", 4, 4, 16)]
    [InlineData("""{ "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": null, "head_dim": null }""", 4, 4, 16)]
    [InlineData("""{ "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 1 }""", 4, 1, 16)]
    [InlineData("""{ "hidden_size": 64, "num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 40 }""", 6, 2, 40)]
    [InlineData("""{ "hidden_size": 1, "num_attention_heads": 3, "head_dim": 2 }""", 3, 3, 2)]
    public void Absent_counts_are_derived_as_in_transformers(string config, int heads, int keyValueHeads, int headSize) =>
        Assert.Equal(new AttentionShape(heads, keyValueHeads, headSize), Read(config));

    [Fact]
    public void A_family_with_counts_of_its_own_takes_them_where_keys_are_absent()
    {
        FamilyDefaults family = new("any") { MaxPositions = 1, KeyValueHeads = 8, HeadSize = 128 };

        Assert.Equal(new AttentionShape(16, 8, 128), Read("""{ "hidden_size": 64, "num_attention_heads": 16 }""", family));
        Assert.Equal(new AttentionShape(16, 16, 128), Read("""{ "hidden_size": 64, "num_attention_heads": 16, "num_key_value_heads": null }""", family));
        AssertRefused("""{ "hidden_size": 64, "num_attention_heads": 4 }""", "\"num_key_value_heads\" is absent, and so 8, which does not divide", family);
        AssertRefused("""{ "hidden_size": 64, "num_attention_heads": 8, "head_dim": null }""", "\"head_dim\" is null", family);
    }

    [Theory]
    [InlineData("""{ "hidden_size": 64 }""", "\"num_attention_heads\" is missing")]
    [InlineData("""{ "num_attention_heads": 4 }""", "\"hidden_size\" is missing")]
    [InlineData("""{ "hidden_size": 64, "num_attention_heads": 0 }""", "\"num_attention_heads\" is 0")]
    [InlineData("""{ "hidden_size": 64, "num_attention_heads": 4.5 }""", "\"num_attention_heads\" is 4.5")]
    [InlineData("""{ "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 0 }""", "\"num_key_value_heads\" is 0")]
    [InlineData("""{ "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 3 }""", "is 3, which does not divide num_attention_heads, 4")]
    [InlineData("""{ "hidden_size": 64, "num_attention_heads": 2, "num_key_value_heads": 4 }""", "is 4, which does not divide")]
    [InlineData("""{ "hidden_size": 64, "num_attention_heads": 5 }""", "64 is not a multiple of num_attention_heads 5")]
    [InlineData("""{ "hidden_size": 64, "num_attention_heads": 4, "head_dim": 0 }""", "\"head_dim\" is 0")]
    [InlineData("""{ "hidden_size": 64, "num_attention_heads": 4, "head_dim": 16385 }""", "from 1 to 16384")]
    [InlineData("""{ "hidden_size": 64, "num_attention_heads": 4097 }""", "from 1 to 4096")]
    [InlineData("""{ "hidden_size": 64, "num_attention_heads": 4096, "head_dim": 16384 }""", "is 16384, which with 4096 heads")]
    public void Impossible_counts_are_refused_by_their_key(string config, string said) => AssertRefused(config, said);

    [Fact]
    public void Attention_is_padded_but_scaled_by_the_checkpoints_head_size()
    {
        RotaryDescription rotary = RotaryDescription.Default(10000, 24);
        AttendDescription attend = new AttentionShape(6, 2, 24).Attend(rotary);

        Assert.Equal(32, attend.HeadSize);
        Assert.Equal((float)(1 / Math.Sqrt(24)), attend.Scale);
        Assert.Equal((6 + 2 + 2) * 32, attend.PackedWidth);
        Assert.Equal(6 * 32, attend.OutputWidth);
        Assert.Equal(attend, new AttentionShape(6, 2, 24).Attend(RotaryDescription.Default(10000, 24)));
    }

    private void AssertRefused(string config, string said, FamilyDefaults? family = null) =>
        Assert.Contains(said, Assert.Throws<CheckpointException>(() => Read(config, family)).Message, StringComparison.Ordinal);

    private AttentionShape Read(string json, FamilyDefaults? family = null) =>
        AttentionShape.Read(ConfigDocument.Load(_folder.Write("config.json", json)), family ?? new LlamaFamily().Defaults);
}
