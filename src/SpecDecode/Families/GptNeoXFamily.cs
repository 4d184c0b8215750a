using System.Collections.Immutable;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>
/// GPT-NeoX and Pythia: layer norms with biases, q, k and v of each head in one matrix, a rotary embedding of a part of each
/// head, an MLP without gate that reads what the layer's attention reads, a head of its own.
/// </summary>
internal sealed class GptNeoXFamily : IModelFamily
{
    /// <inheritdoc/>
    public FamilyDefaults Defaults { get; } = new("gpt_neox")
    {
        MaxPositions = 2048, RotaryBaseKey = "rotary_emb_base", RotaryPartKey = "rotary_pct", RotaryPart = 0.25, Activation = "gelu",
        EpsilonKey = "layer_norm_eps", Epsilon = 1e-5, AttentionBias = true,
    };

    /// <inheritdoc/>
    public DecoderDescription Describe(Checkpoint checkpoint)
    {
        ConfigDocument config = checkpoint.Config;
        DecoderDescriber model = new(checkpoint, Defaults);

        AttentionShape shape = AttentionShape.Read(config, Defaults);
        if (shape.KeyValueHeads != shape.QueryHeads)
        {
            throw config.Error(
                "num_key_value_heads", $"is {shape.KeyValueHeads}, but every head of this family has its own key and value: remove the key");
        }

        RotaryDescription rotary = RotaryConfig.Read(config, Defaults, shape.HeadSize);
        HeadMap heads = HeadMap.Of(shape, rotary);
        BiasSetting attentionBias = BiasSetting.Read(config, "attention_bias", Defaults.AttentionBias);
        bool isParallel = config.NotNull("use_parallel_residual").Bool("use_parallel_residual", true);
        int intermediate = config.PositiveInt("intermediate_size", max: DecoderDescriber.MaxIntermediate);
        float epsilon = (float)config.NotNull(Defaults.EpsilonKey).PositiveNumber(Defaults.EpsilonKey, Defaults.Epsilon);
        Activation activation = ActivationConfig.Read(config, Defaults);
        _ = new WindowConfig(config, Defaults).None();

        string embedding = model.Embedding("gpt_neox.embed_in.weight");
        int layerCount = config.PositiveInt("num_hidden_layers");
        ImmutableArray<LayerDescription>.Builder layers = ImmutableArray.CreateBuilder<LayerDescription>();
        for (int i = 0; i < layerCount; i++)
        {
            string source = $"gpt_neox.layers.{i}.";
            string prepared = $"layers.{i}.";
            layers.Add(new LayerDescription(
                new AttentionDescription(
                    model.Norm(NormKind.Layer, prepared + "attention.norm", source + "input_layernorm", epsilon),
                    model.FusedQueryKeyValue(prepared + "attention.qkv", source + "attention.query_key_value", heads, headByHead: true, attentionBias),
                    QueryKeyNorm: null,
                    shape.Attend(rotary),
                    model.AttentionOutput(prepared + "attention.out", source + "attention.dense", heads, attentionBias),
                    OutputNorm: null),
                new MlpDescription(
                    model.Norm(NormKind.Layer, prepared + "mlp.norm", source + "post_attention_layernorm", epsilon),
                    model.Linear(prepared + "mlp.up", model.HiddenSize, BiasSetting.Always, (source + "mlp.dense_h_to_4h", intermediate)),
                    IsGated: false,
                    activation,
                    model.Linear(prepared + "mlp.down", intermediate, BiasSetting.Always, (source + "mlp.dense_4h_to_h", model.HiddenSize)),
                    OutputNorm: null),
                isParallel));
        }

        NormDescription finalNorm = model.Norm(NormKind.Layer, "final_norm", "gpt_neox.final_layer_norm", epsilon);
        return model.Finish(embedding, layers.ToImmutable(), finalNorm, model.Head("embed_out", "gpt_neox.embed_in.weight"));
    }
}
