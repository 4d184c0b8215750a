using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>Head counts and head size of a checkpoint, checked against each other.</summary>
/// <param name="QueryHeads">Number of query heads.</param>
/// <param name="KeyValueHeads">Number of key/value heads; divides the query heads.</param>
/// <param name="HeadSize">Channels of a head in the checkpoint.</param>
internal sealed record AttentionShape(int QueryHeads, int KeyValueHeads, int HeadSize)
{
    // Above every published model; they bound what is allocated before the tensors' own shapes are compared.
    private const int MaxHeads = 1 << 12;
    private const int MaxHeadSize = 1 << 14;
    private const int MaxWidth = 1 << 22;

    /// <summary>Reads <c>num_attention_heads</c>, <c>num_key_value_heads</c> and <c>head_dim</c>.</summary>
    /// <param name="config">config.json.</param>
    /// <param name="family">The family's defaults.</param>
    public static AttentionShape Read(ConfigDocument config, FamilyDefaults family)
    {
        int heads = config.PositiveInt("num_attention_heads", max: MaxHeads);
        int keyValueHeads = config.PositiveInt("num_key_value_heads", config.IsNull("num_key_value_heads") ? heads : family.KeyValueHeads ?? heads, MaxHeads);
        if (heads % keyValueHeads != 0)
        {
            throw config.Error(
                "num_key_value_heads",
                $"is {(config.Has("num_key_value_heads") ? "" : "absent, and so ")}{keyValueHeads}, which does not divide num_attention_heads, {heads}: restore the published config.json");
        }

        int hidden = config.PositiveInt("hidden_size");
        if (!config.Has("head_dim") && family.HeadSize is null && hidden % heads != 0)
        {
            throw config.Error(
                "head_dim", $"is absent, and hidden_size {hidden} is not a multiple of num_attention_heads {heads}: restore the published config.json");
        }

        int headSize = (family.HeadSize is null ? config : config.NotNull("head_dim")).PositiveInt("head_dim", family.HeadSize ?? Math.Max(hidden / heads, 1), MaxHeadSize);
        return heads * headSize <= MaxWidth
            ? new AttentionShape(heads, keyValueHeads, headSize)
            : throw config.Error("head_dim", $"is {headSize}, which with {heads} heads is more than any known model has: restore the published config.json");
    }

    /// <summary>Where a head's channels lie in the stages.</summary>
    /// <param name="rotary">The rotary embedding, which decides it; null for none.</param>
    public HeadLayout Layout(RotaryDescription? rotary) => new(HeadSize, 2 * (rotary?.InverseFrequencies.Length ?? 0));

    /// <summary>The attention of these heads over all positions, scaled by 1/sqrt(head size of the checkpoint).</summary>
    public AttendDescription Attend(RotaryDescription? rotary) =>
        new(QueryHeads, KeyValueHeads, Layout(rotary).Size, (float)(1.0 / Math.Sqrt(HeadSize)), rotary);
}
