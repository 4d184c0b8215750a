using System.Collections.Immutable;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

/// <summary>
/// The decoder that most families are, under the names that most of them use: <c>model.embed_tokens</c>, and in each of
/// <c>model.layers</c> a <c>self_attn</c> and a gated <c>mlp</c>. As it comes it is a Llama; a family sets what differs.
/// </summary>
internal sealed class StandardDecoder
{
    private readonly Checkpoint _checkpoint;
    private readonly FamilyDefaults _family;
    private readonly AttentionShape _shape;
    private readonly RotaryDescription _rotary;

    /// <summary>Reads the sizes and the rotary embedding.</summary>
    /// <param name="checkpoint">The opened folder.</param>
    /// <param name="family">The family's defaults.</param>
    public StandardDecoder(Checkpoint checkpoint, FamilyDefaults family)
    {
        _checkpoint = checkpoint;
        _family = family;
        _shape = AttentionShape.Read(checkpoint.Config, family);
        _rotary = RotaryConfig.Read(checkpoint.Config, family, _shape.HeadSize);
    }

    /// <summary>The formula of all norms over the residual.</summary>
    public NormKind Norm { get; init; } = NormKind.Rms;

    /// <summary>Name of the norm before the attention; null for none.</summary>
    public string? AttentionInputNorm { get; init; } = "input_layernorm";

    /// <summary>Name of the norm of what attention adds to the residual; null for none.</summary>
    public string? AttentionOutputNorm { get; init; }

    /// <summary>Name of the norm before the MLP; null for none.</summary>
    public string? MlpInputNorm { get; init; } = "post_attention_layernorm";

    /// <summary>Name of the norm of what the MLP adds to the residual; null for none.</summary>
    public string? MlpOutputNorm { get; init; }

    /// <summary>Whether queries and keys are normed head by head (true), over all heads together (false), or not at all (null).</summary>
    public bool? NormsEachHead { get; init; }

    /// <summary>Whether q, k and v are one matrix, <c>qkv_proj</c>, and gate and up another, <c>gate_up_proj</c>.</summary>
    public bool IsFused { get; init; }

    /// <summary>Whether the attention's output projection has a bias where q, k and v have theirs.</summary>
    public bool HasOutputBias { get; init; } = true;

    /// <summary>How many positions a row of a layer sees; null for a family in which no layer has a window.</summary>
    public Func<int, int?>? Window { get; init; }

    /// <summary>Whether a layer has the rotary embedding.</summary>
    public Func<int, bool> IsRotated { get; init; } = _ => true;

    /// <summary>What the scores are divided by the root of; null for the head size.</summary>
    public double? ScoreScalar { get; init; }

    /// <summary>Bound of the attention's scores; null for none.</summary>
    public float? ScoreSoftCap { get; init; }

    /// <summary>Bound of the logits; null for none.</summary>
    public float? LogitSoftCap { get; init; }

    /// <summary>Whether embeddings are multiplied by the root of their width.</summary>
    public bool ScalesEmbedding { get; init; }

    /// <summary>Looks up every tensor and puts the description together.</summary>
    /// <exception cref="CheckpointException">A key or a tensor is missing or does not fit the others.</exception>
    public DecoderDescription Describe()
    {
        ConfigDocument config = _checkpoint.Config;
        DecoderDescriber model = new(_checkpoint, _family);
        float epsilon = (float)config.NotNull(_family.EpsilonKey).PositiveNumber(_family.EpsilonKey, _family.Epsilon);
        BiasSetting bias = BiasSetting.Read(config, "attention_bias", _family.AttentionBias);
        Func<int, int?> window = Window ?? new WindowConfig(config, _family).None();
        int layerCount = config.PositiveInt("num_hidden_layers");
        MlpShape mlp = new(
            config.PositiveInt("intermediate_size", max: DecoderDescriber.MaxIntermediate),
            ActivationConfig.Read(config, _family),
            BiasSetting.Read(config, "mlp_bias", absent: false));

        string embedding = model.Embedding("model.embed_tokens.weight");
        ImmutableArray<LayerDescription>.Builder layers = ImmutableArray.CreateBuilder<LayerDescription>();
        for (int i = 0; i < layerCount; i++)
        {
            layers.Add(new LayerDescription(Attention(model, i, epsilon, bias, window(i)), Mlp(model, i, epsilon, mlp)));
        }

        NormDescription finalNorm = model.Norm(Norm, "final_norm", "model.norm", epsilon);
        return model.Finish(embedding, layers.ToImmutable(), finalNorm, model.Head("lm_head", "model.embed_tokens.weight")) with
        {
            EmbeddingScale = ScalesEmbedding ? (float)Math.Sqrt(model.HiddenSize) : 1f,
            LogitSoftCap = LogitSoftCap,
        };
    }

    private AttentionDescription Attention(DecoderDescriber model, int layer, float epsilon, BiasSetting bias, int? window)
    {
        (string source, string prepared) = ($"model.layers.{layer}.", $"layers.{layer}.attention.");
        string projections = source + "self_attn.";
        RotaryDescription? rotary = IsRotated(layer) ? _rotary : null;
        HeadMap heads = HeadMap.Of(_shape, rotary);
        return new AttentionDescription(
            OptionalNorm(model, prepared + "norm", source, AttentionInputNorm, epsilon),
            IsFused
                ? model.FusedQueryKeyValue(prepared + "qkv", projections + "qkv_proj", heads, headByHead: false, bias)
                : model.QueryKeyValue(prepared + "qkv", projections, heads, bias),
            NormsEachHead is { } perHead ? model.QueryKeyNorm(prepared, projections, heads, perHead, epsilon) : null,
            Attend(rotary, window),
            model.AttentionOutput(prepared + "out", projections + "o_proj", heads, HasOutputBias ? bias : BiasSetting.Never),
            OptionalNorm(model, prepared + "out_norm", source, AttentionOutputNorm, epsilon));
    }

    private AttendDescription Attend(RotaryDescription? rotary, int? window)
    {
        AttendDescription attend = _shape.Attend(rotary);
        double scale = ScoreScalar is { } scalar ? 1.0 / Math.Sqrt(scalar) : 1.0 / Math.Sqrt(_shape.HeadSize);
        double padding = NormsEachHead is null ? 1.0 : (double)_shape.HeadSize / attend.HeadSize;
        return attend with { Scale = (float)(scale * padding), Window = window, SoftCap = ScoreSoftCap };
    }

    private MlpDescription Mlp(DecoderDescriber model, int layer, float epsilon, MlpShape shape)
    {
        (string source, string prepared) = ($"model.layers.{layer}.", $"layers.{layer}.mlp.");
        string projections = source + "mlp.";
        return new MlpDescription(
            OptionalNorm(model, prepared + "norm", source, MlpInputNorm, epsilon),
            IsFused
                ? model.Linear(prepared + "gate_up", model.HiddenSize, shape.Bias, (projections + "gate_up_proj", 2 * shape.Width))
                : model.Linear(
                    prepared + "gate_up", model.HiddenSize, shape.Bias,
                    (projections + "gate_proj", shape.Width), (projections + "up_proj", shape.Width)),
            IsGated: true,
            shape.Activation,
            model.Linear(prepared + "down", shape.Width, shape.Bias, (projections + "down_proj", model.HiddenSize)),
            OptionalNorm(model, prepared + "out_norm", source, MlpOutputNorm, epsilon));
    }

    private NormDescription? OptionalNorm(DecoderDescriber model, string prepared, string source, string? name, float epsilon) =>
        name is null ? null : model.Norm(Norm, prepared, source + name, epsilon);

    /// <summary>What the MLPs of all layers have in common.</summary>
    private sealed record MlpShape(int Width, Activation Activation, BiasSetting Bias);
}
