using System.Collections.Immutable;
using SpecDecode.Models.Checkpoints;
using SpecDecode.Models.Descriptions;
using SpecDecode.Models.Weights;

namespace SpecDecode.Models.Families;

/// <summary>
/// The toolkit that families describe themselves with. Each call checks that the checkpoint has the tensors, in shape
/// and type, before it notes how to prepare them; so a config that lies is refused at its first wrong tensor, before
/// anything is allocated for it.
/// </summary>
internal sealed class DecoderDescriber
{
    /// <summary>Widest MLP that is read: above every published model, and far enough from what 32 bits hold.</summary>
    public const int MaxIntermediate = 1 << 24;

    private const int MaxWidth = 1 << 20;
    private const int MaxContext = 1 << 24;

    private readonly Checkpoint _checkpoint;
    private readonly ImmutableArray<TensorRecipe>.Builder _recipes = ImmutableArray.CreateBuilder<TensorRecipe>();

    /// <summary>Reads the sizes that every family has.</summary>
    /// <param name="checkpoint">The opened folder.</param>
    public DecoderDescriber(Checkpoint checkpoint)
    {
        _checkpoint = checkpoint;
        HiddenSize = checkpoint.Config.PositiveInt("hidden_size", max: MaxWidth);
        VocabularySize = checkpoint.Config.PositiveInt("vocab_size", max: MaxContext);
        MaxPositions = checkpoint.Config.PositiveInt("max_position_embeddings", 2048, MaxContext);
    }

    /// <summary>Width of the residual.</summary>
    public int HiddenSize { get; }

    /// <summary>Number of token ids.</summary>
    public int VocabularySize { get; }

    private int MaxPositions { get; }

    /// <summary>The embedding table <c>[VocabularySize, HiddenSize]</c>.</summary>
    /// <param name="source">Its name in the checkpoint.</param>
    /// <returns>Its prepared name.</returns>
    public string Embedding(string source)
    {
        return Matrix("embedding", HiddenSize, [Rows(source, VocabularySize, HiddenSize)]);
    }

    /// <summary>An RMS norm over the residual.</summary>
    public NormDescription Rms(string prepared, string source, float epsilon)
    {
        _checkpoint.Require(source, HiddenSize);
        _recipes.Add(new TensorRecipe(prepared, 0, [new TensorPart(source, HiddenSize)]));
        return new NormDescription(NormKind.Rms, prepared, epsilon);
    }

    /// <summary>Projections of one input, packed one under the other.</summary>
    /// <param name="prepared">Prepared name, to which <c>.weight</c> and <c>.bias</c> are added.</param>
    /// <param name="inputs">Width of the input.</param>
    /// <param name="bias">Whether each of them has a bias.</param>
    /// <param name="projections">Names in the checkpoint, without <c>.weight</c>, with their widths.</param>
    public LinearDescription Linear(string prepared, int inputs, bool bias, params ReadOnlySpan<(string Source, int Outputs)> projections)
    {
        Projection[] parts = new Projection[projections.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            parts[i] = new Projection(projections[i].Source, projections[i].Outputs, null);
        }

        return Packed(prepared, inputs, bias, parts);
    }

    /// <summary>Query, key and value projections, heads laid out as the attention kernel wants them.</summary>
    /// <param name="prepared">Prepared name.</param>
    /// <param name="source">Prefix of <c>q_proj</c>, <c>k_proj</c> and <c>v_proj</c>.</param>
    /// <param name="shape">Head counts and size.</param>
    /// <param name="rotary">The rotary embedding, which decides the layout.</param>
    /// <param name="bias">Whether the projections have biases.</param>
    public LinearDescription QueryKeyValue(string prepared, string source, AttentionShape shape, RotaryDescription rotary, bool bias)
    {
        HeadLayout layout = shape.Layout(rotary);
        Projection Heads(string name, int[] channels, int heads) =>
            new(source + name, checked(heads * shape.HeadSize), layout.ForHeads(channels, heads));
        return Packed(
            prepared, HiddenSize, bias,
            [
                Heads("q_proj", layout.RotaryChannels, shape.QueryHeads),
                Heads("k_proj", layout.RotaryChannels, shape.KeyValueHeads),
                Heads("v_proj", layout.ValueChannels, shape.KeyValueHeads),
            ]);
    }

    /// <summary>The projection of all heads' values back to the residual; its columns follow the heads' layout.</summary>
    public LinearDescription AttentionOutput(string prepared, string source, AttentionShape shape, RotaryDescription rotary, bool bias)
    {
        HeadLayout layout = shape.Layout(rotary);
        int[]? columns = layout.ForHeads(layout.ValueChannels, shape.QueryHeads);
        int inputs = checked(shape.QueryHeads * layout.Size);
        TensorPart part = Rows(source + ".weight", HiddenSize, checked(shape.QueryHeads * shape.HeadSize)) with { ColumnMap = columns };
        return new LinearDescription(
            Matrix(prepared + ".weight", inputs, [part]),
            bias ? Bias(prepared + ".bias", [new Projection(source, HiddenSize, null)]) : null,
            inputs, HiddenSize);
    }

    /// <summary>The head: the embedding itself where the config ties them, else a matrix of its own.</summary>
    /// <param name="source">Name of the untied head, without <c>.weight</c>.</param>
    /// <param name="tiedByDefault">What holds where the config does not say.</param>
    public LinearDescription Head(string source, bool tiedByDefault) =>
        _checkpoint.Config.Bool("tie_word_embeddings", tiedByDefault)
            ? new LinearDescription("embedding", null, HiddenSize, VocabularySize)
            : Linear("head", HiddenSize, false, (source, VocabularySize));

    /// <summary>Puts the description together.</summary>
    public DecoderDescription Finish(
        string family, string embedding, ImmutableArray<LayerDescription> layers, NormDescription finalNorm, LinearDescription head) => new()
        {
            Family = family,
            VocabularySize = VocabularySize,
            HiddenSize = HiddenSize,
            MaxPositions = MaxPositions,
            Embedding = embedding,
            Layers = layers,
            FinalNorm = finalNorm,
            Head = head,
            EndOfSequence =
            [
                .. _checkpoint.Config.IntOrInts("eos_token_id")
                    .Union(_checkpoint.GenerationConfig?.IntOrInts("eos_token_id") ?? []),
            ],
            Tensors = _recipes.ToImmutable(),
        };

    private LinearDescription Packed(string prepared, int inputs, bool bias, Projection[] projections)
    {
        ImmutableArray<TensorPart> parts =
            [.. projections.Select(p => Rows(p.Source + ".weight", p.SourceRows, inputs, p.RowMap))];
        return new LinearDescription(
            Matrix(prepared + ".weight", inputs, parts),
            bias ? Bias(prepared + ".bias", projections) : null,
            inputs, parts.Sum(part => part.Rows));
    }

    private TensorPart Rows(string source, int sourceRows, int sourceColumns, int[]? rowMap = null)
    {
        _checkpoint.Require(source, sourceRows, sourceColumns);
        return new TensorPart(source, rowMap?.Length ?? sourceRows, rowMap);
    }

    private string Matrix(string prepared, int columns, ImmutableArray<TensorPart> parts)
    {
        _recipes.Add(new TensorRecipe(prepared, columns, parts));
        return prepared;
    }

    private string Bias(string prepared, Projection[] projections)
    {
        ImmutableArray<TensorPart> parts =
        [
            .. projections.Select(p =>
            {
                _checkpoint.Require(p.Source + ".bias", p.SourceRows);
                return new TensorPart(p.Source + ".bias", p.RowMap?.Length ?? p.SourceRows, p.RowMap);
            }),
        ];
        _recipes.Add(new TensorRecipe(prepared, 0, parts));
        return prepared;
    }

    /// <summary>One matrix of a packed projection.</summary>
    private readonly record struct Projection(string Source, int SourceRows, int[]? RowMap);
}
