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
    public string ModelType => "gemma2";

    /// <inheritdoc/>
    public DecoderDescription Describe(Checkpoint checkpoint)
    {
        ConfigDocument config = checkpoint.Config;
        if (config.Bool("use_bidirectional_attention", false))
        {
            throw config.Error("use_bidirectional_attention", "is true, but a decoder sees no later positions: use a checkpoint that generates text");
        }

        return new StandardDecoder(checkpoint, ModelType)
        {
            Norm = NormKind.RmsAroundOne,
            AttentionOutputNorm = "post_attention_layernorm",
            MlpInputNorm = "pre_feedforward_layernorm",
            MlpOutputNorm = "post_feedforward_layernorm",
            ActivationKey = config.Has("hidden_activation") ? "hidden_activation" : "hidden_act",
            DefaultActivation = "gelu_pytorch_tanh",
            Window = WindowConfig.ByLayer(config, WindowConfig.Size(config), layer => layer % 2 == 0),
            ScoreScalar = config.Has("query_pre_attn_scalar") ? config.PositiveNumber("query_pre_attn_scalar") : null,
            ScoreSoftCap = SoftCap("attn_logit_softcapping"),
            LogitSoftCap = SoftCap("final_logit_softcapping"),
            ScalesEmbedding = true,
        }.Describe();

        float? SoftCap(string key) => config.Has(key) ? (float)config.PositiveNumber(key) : null;
    }
}
