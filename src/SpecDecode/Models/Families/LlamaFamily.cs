using System.Collections.Immutable;
using SpecDecode.Models.Checkpoints;
using SpecDecode.Models.Descriptions;

namespace SpecDecode.Models.Families;

/// <summary>
/// Llama 2 and 3, TinyLlama, SmolLM2, the LayerSkip checkpoints: RMS norms before each block, grouped or multi-query
/// attention with rotary embedding, gated MLP, head tied to the embedding or its own.
/// </summary>
internal sealed class LlamaFamily : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "llama";

    /// <inheritdoc/>
    public DecoderDescription Describe(Checkpoint checkpoint)
    {
        ConfigDocument config = checkpoint.Config;
        DecoderDescriber model = new(checkpoint);

        AttentionShape shape = AttentionShape.Read(config);
        RotaryDescription rotary = RotaryConfig.Read(config, shape.HeadSize);
        bool attentionBias = config.Bool("attention_bias", false);
        bool mlpBias = config.Bool("mlp_bias", false);
        int intermediate = config.PositiveInt("intermediate_size", max: DecoderDescriber.MaxIntermediate);
        float epsilon = (float)config.PositiveNumber("rms_norm_eps", 1e-6);
        Activation activation = ActivationConfig.Read(config, "hidden_act");

        string embedding = model.Embedding("model.embed_tokens.weight");
        int layerCount = config.PositiveInt("num_hidden_layers");
        ImmutableArray<LayerDescription>.Builder layers = ImmutableArray.CreateBuilder<LayerDescription>();
        for (int i = 0; i < layerCount; i++)
        {
            string source = $"model.layers.{i}.";
            string prepared = $"layers.{i}.";
            layers.Add(new LayerDescription(
                new AttentionDescription(
                    model.Rms(prepared + "attention.norm", source + "input_layernorm.weight", epsilon),
                    model.QueryKeyValue(prepared + "attention.qkv", source + "self_attn.", shape, rotary, attentionBias),
                    shape.Attend(rotary),
                    model.AttentionOutput(prepared + "attention.out", source + "self_attn.o_proj", shape, rotary, attentionBias)),
                new MlpDescription(
                    model.Rms(prepared + "mlp.norm", source + "post_attention_layernorm.weight", epsilon),
                    model.Linear(
                        prepared + "mlp.gate_up", model.HiddenSize, mlpBias,
                        (source + "mlp.gate_proj", intermediate), (source + "mlp.up_proj", intermediate)),
                    activation,
                    model.Linear(prepared + "mlp.down", intermediate, mlpBias, (source + "mlp.down_proj", model.HiddenSize)))));
        }

        NormDescription finalNorm = model.Rms("final_norm", "model.norm.weight", epsilon);
        return model.Finish(
            ModelType, embedding, layers.ToImmutable(), finalNorm,
            model.Head("lm_head", tiedByDefault: !checkpoint.TryGet("lm_head.weight", out _)));
    }
}
