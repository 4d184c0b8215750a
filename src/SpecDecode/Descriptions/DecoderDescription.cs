using System.Collections.Immutable;

namespace SpecDecode.Descriptions;

/// <summary>
/// A decoder-only model as data: everything that the stage graphs are built from, with no trace of the family that it
/// came from. A family writes one of these; the builder reads it.
/// </summary>
internal sealed record DecoderDescription
{
    /// <summary>The checkpoint's <c>model_type</c>, for messages.</summary>
    public required string Family { get; init; }

    /// <summary>What the stages hand on to each other: residuals, packed and attended rows, logits.</summary>
    public ElementType ElementType { get; init; } = ElementType.Float32;

    /// <summary>Rows of the embedding and of the head.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Width d of the residual.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Longest sequence, in tokens, that the checkpoint allows.</summary>
    public required int MaxPositions { get; init; }

    /// <summary>Prepared tensor <c>[VocabularySize, HiddenSize]</c> that token ids are looked up in.</summary>
    public required string Embedding { get; init; }

    /// <summary>Factor on the rows that are looked up.</summary>
    public float EmbeddingScale { get; init; } = 1f;

    /// <summary>The layers in order.</summary>
    public required ImmutableArray<LayerDescription> Layers { get; init; }

    /// <summary>Norm before the head; shared by every early exit.</summary>
    public required NormDescription FinalNorm { get; init; }

    /// <summary>Projection to logits; names the embedding's own tensor where the two are tied.</summary>
    public required LinearDescription Head { get; init; }

    /// <summary>Bound c of the logits y, which become c · tanh(y / c); null for none.</summary>
    public float? LogitSoftCap { get; init; }

    /// <summary>Ids that end a text: those of config.json and of generation_config.json together; may be empty.</summary>
    public required ImmutableArray<int> EndOfSequence { get; init; }

    /// <summary>How each prepared tensor named above is made from the checkpoint's tensors.</summary>
    public required ImmutableArray<TensorRecipe> Tensors { get; init; }

    /// <summary>All products, layer by layer, the head last.</summary>
    public IEnumerable<LinearDescription> Linears => Layers
        .SelectMany(layer => (LinearDescription[])[layer.Attention.QueryKeyValue, layer.Attention.Output, layer.Mlp.GateUp, layer.Mlp.Down])
        .Append(Head);
}
