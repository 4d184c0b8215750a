using System.Text.Json.Nodes;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>
/// Gemma 2: norms before and after each block, their weights stored around one; embeddings scaled by the root of their width;
/// bounds on scores and logits; a sliding window in every other layer, from the first.
/// </summary>
internal sealed class Gemma2Family : IModelFamily
{
    /// <inheritdoc/>
    public FamilyDefaults Defaults { get; } = new("gemma2")
    {
        MaxPositions = 8192, KeyValueHeads = 4, HeadSize = 256, ActivationKey = "hidden_activation", Activation = "gelu_pytorch_tanh",
        TiesHead = true, Window = 4096,
    };

    /// <inheritdoc/>
    public DecoderDescription Describe(Checkpoint checkpoint)
    {
        ConfigDocument config = checkpoint.Config;
        if (config.Bool("use_bidirectional_attention", false))
        {
            throw config.Error("use_bidirectional_attention", "is true, but a decoder sees no later positions: use a checkpoint that generates text");
        }

        return new StandardDecoder(checkpoint, Defaults)
        {
            Norm = NormKind.RmsAroundOne,
            AttentionOutputNorm = "post_attention_layernorm",
            MlpInputNorm = "pre_feedforward_layernorm",
            MlpOutputNorm = "post_feedforward_layernorm",
            Window = new WindowConfig(config, Defaults).ByLayer(layer => layer % 2 == 0, isSwitched: false),
            ScoreScalar = config.NotNull("query_pre_attn_scalar").PositiveNumber("query_pre_attn_scalar", 256),
            ScoreSoftCap = SoftCap("attn_logit_softcapping", 50),
            LogitSoftCap = SoftCap("final_logit_softcapping", 30),
            ScalesEmbedding = true,
        }.Describe();

        // Null switches a bound off, absence does not.
        float? SoftCap(string key, double absent) => config.IsNull(key) ? null : (float)config.PositiveNumber(key, absent);
    }

    /// <inheritdoc/>
    /// <remarks>Without <c>layer_types</c> every other layer has the window, which layers that are left out would shift.</remarks>
    public IEnumerable<(string Key, JsonNode Value)> KeysByNumber(ConfigDocument config, DecoderDescription model, IReadOnlyList<int> layers) =>
        config.Has(WindowConfig.TypesKey) || model.Layers.All(layer => layer.Attention.Attend.Window is null)
            ? [] : [(WindowConfig.TypesKey, WindowConfig.TypesOf(model, layers))];
}
