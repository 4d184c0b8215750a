using System.Collections.Immutable;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Families;

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
    private readonly FamilyDefaults _family;
    private readonly ImmutableArray<TensorRecipe>.Builder _recipes = ImmutableArray.CreateBuilder<TensorRecipe>();

    /// <summary>Reads the sizes that every family has.</summary>
    /// <param name="checkpoint">The opened folder.</param>
    /// <param name="family">The family's defaults.</param>
    public DecoderDescriber(Checkpoint checkpoint, FamilyDefaults family)
    {
        _checkpoint = checkpoint;
        _family = family;
        HiddenSize = ReadHiddenSize(checkpoint.Config);
        VocabularySize = ReadVocabularySize(checkpoint.Config);
        MaxPositions = ReadMaxPositions(checkpoint.Config, family);
    }

    /// <summary>Reads <c>hidden_size</c>.</summary>
    public static int ReadHiddenSize(ConfigDocument config) => config.PositiveInt("hidden_size", max: MaxWidth);

    /// <summary>Reads <c>vocab_size</c>.</summary>
    public static int ReadVocabularySize(ConfigDocument config) => config.PositiveInt("vocab_size", max: MaxContext);

    /// <summary>Reads <c>max_position_embeddings</c>.</summary>
    public static int ReadMaxPositions(ConfigDocument config, FamilyDefaults family) =>
        config.NotNull("max_position_embeddings").PositiveInt("max_position_embeddings", family.MaxPositions, MaxContext);

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

    /// <summary>A norm over the residual.</summary>
    /// <param name="kind">The formula.</param>
    /// <param name="prepared">Prepared name of its weight.</param>
    /// <param name="source">Its name in the checkpoint, without <c>.weight</c>.</param>
    /// <param name="epsilon">ε under the root.</param>
    public NormDescription Norm(NormKind kind, string prepared, string source, float epsilon)
    {
        Vector(prepared, source + ".weight", HiddenSize);
        string? bias = kind == NormKind.Layer ? Vector(prepared + ".bias", source + ".bias", HiddenSize) : null;
        return new NormDescription(kind, prepared, epsilon, bias);
    }

    /// <summary>RMS norms of queries and keys.</summary>
    /// <param name="prepared">Prefix of the prepared names.</param>
    /// <param name="source">Prefix of <c>q_norm</c> and <c>k_norm</c> in the checkpoint.</param>
    /// <param name="heads">The heads.</param>
    /// <param name="perHead">Over each head by itself, or over all of them.</param>
    /// <param name="epsilon">ε under the root, for heads that are not padded.</param>
    public QueryKeyNormDescription QueryKeyNorm(string prepared, string source, HeadMap heads, bool perHead, float epsilon)
    {
        NormDescription Part(string name, int count)
        {
            int normed = perHead ? 1 : count;
            return new NormDescription(
                NormKind.Rms,
                Vector(prepared + name, source + name + ".weight", checked(normed * heads.Shape.HeadSize), heads.Apart(heads.Layout.RotaryChannels, normed)),
                epsilon * heads.Shape.HeadSize / heads.Layout.Size);
        }

        return new QueryKeyNormDescription(
            Part("q_norm", heads.Shape.QueryHeads), Part("k_norm", heads.Shape.KeyValueHeads), perHead);
    }

    /// <summary>Projections of one input, packed one under the other.</summary>
    /// <param name="prepared">Prepared name, to which <c>.weight</c> and <c>.bias</c> are added.</param>
    /// <param name="inputs">Width of the input.</param>
    /// <param name="bias">Whether each of them has a bias.</param>
    /// <param name="projections">Names in the checkpoint, without <c>.weight</c>, with their widths.</param>
    public LinearDescription Linear(string prepared, int inputs, BiasSetting bias, params ReadOnlySpan<(string Source, int Outputs)> projections)
    {
        Projection[] parts = new Projection[projections.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            parts[i] = new Projection(projections[i].Source, projections[i].Outputs, null);
        }

        return Packed(prepared, inputs, bias, parts);
    }

    /// <summary>Query, key and value projections <c>q_proj</c>, <c>k_proj</c> and <c>v_proj</c>, laid out as the attention kernel wants them.</summary>
    /// <param name="prepared">Prepared name.</param>
    /// <param name="source">Prefix of the three names.</param>
    /// <param name="heads">The heads and where their channels go.</param>
    /// <param name="bias">Whether each of them has a bias.</param>
    public LinearDescription QueryKeyValue(string prepared, string source, HeadMap heads, BiasSetting bias)
    {
        Projection Heads(string name, int[] channels, int count) =>
            new(source + name, checked(count * heads.Shape.HeadSize), heads.Apart(channels, count));
        return Packed(
            prepared, HiddenSize, bias,
            [
                Heads("q_proj", heads.Layout.RotaryChannels, heads.Shape.QueryHeads),
                Heads("k_proj", heads.Layout.RotaryChannels, heads.Shape.KeyValueHeads),
                Heads("v_proj", heads.Layout.ValueChannels, heads.Shape.KeyValueHeads),
            ]);
    }

    /// <summary>Query, key and value projections in one matrix.</summary>
    /// <param name="prepared">Prepared name.</param>
    /// <param name="source">Its name in the checkpoint, without <c>.weight</c>.</param>
    /// <param name="heads">The heads and where their channels go.</param>
    /// <param name="headByHead">Whether each head's query, key and value follow each other; else all queries, all keys, all values.</param>
    /// <param name="bias">Whether it has a bias.</param>
    public LinearDescription FusedQueryKeyValue(string prepared, string source, HeadMap heads, bool headByHead, BiasSetting bias)
    {
        int rows = checked((heads.Shape.QueryHeads + 2 * heads.Shape.KeyValueHeads) * heads.Shape.HeadSize);
        _checkpoint.Require(source + ".weight", rows, HiddenSize);
        return Packed(prepared, HiddenSize, bias, [new Projection(source, rows, heads.Fused(headByHead))]);
    }

    /// <summary>The projection of all heads' values back to the residual; its columns follow the heads' layout.</summary>
    public LinearDescription AttentionOutput(string prepared, string source, HeadMap heads, BiasSetting bias)
    {
        int[]? columns = heads.Apart(heads.Layout.ValueChannels, heads.Shape.QueryHeads);
        int inputs = checked(heads.Shape.QueryHeads * heads.Layout.Size);
        TensorPart part = Rows(source + ".weight", HiddenSize, checked(heads.Shape.QueryHeads * heads.Shape.HeadSize)) with { ColumnMap = columns };
        return new LinearDescription(
            Matrix(prepared + ".weight", inputs, [part]),
            Bias(prepared + ".bias", bias, [new Projection(source, HiddenSize, null)]),
            inputs, HiddenSize);
    }

    /// <summary>The head: the embedding itself where the config ties them, else a matrix of its own.</summary>
    /// <param name="source">Name of the untied head, without <c>.weight</c>.</param>
    /// <param name="embedding">Name of the embedding.</param>
    /// <exception cref="CheckpointException">There is a head that is not the embedding though they are tied, or none though they are not.</exception>
    public LinearDescription Head(string source, string embedding)
    {
        const string key = "tie_word_embeddings";
        bool isTied = (_family.TiesHead ? _checkpoint.Config.NotNull(key) : _checkpoint.Config).Bool(key, _family.TiesHead);
        bool isThere = _checkpoint.TryGet(source + ".weight", out TensorEntry? head);
        string state = _checkpoint.Config.Has(key) ? "is" : "is absent, and so";
        if (isTied == isThere && (!isTied || _checkpoint.TryGet(embedding, out TensorEntry? table) && !_checkpoint.AreSame(head!, table)))
        {
            throw _checkpoint.Config.Error(key, isTied
                ? $"{state} true, but the weights have a \"{source}.weight\" that differs from \"{embedding}\": set it to false if that is the model's head, else remove the tensor"
                : $"{state} false, and tensor \"{source}.weight\" is missing: set it to true if the head is the embedding, else use a checkpoint that has the tensor");
        }

        return isTied
            ? new LinearDescription("embedding", null, HiddenSize, VocabularySize)
            : Linear("head", HiddenSize, BiasSetting.Never, (source, VocabularySize));
    }

    /// <summary>Puts the description together.</summary>
    public DecoderDescription Finish(
        string embedding, ImmutableArray<LayerDescription> layers, NormDescription finalNorm, LinearDescription head) => new()
        {
            Family = _family.ModelType,
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

    private LinearDescription Packed(string prepared, int inputs, BiasSetting bias, Projection[] projections)
    {
        ImmutableArray<TensorPart> parts =
            [.. projections.Select(p => Rows(p.Source + ".weight", p.SourceRows, inputs, p.RowMap))];
        return new LinearDescription(
            Matrix(prepared + ".weight", inputs, parts),
            Bias(prepared + ".bias", bias, projections),
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

    private string Vector(string prepared, string source, int length, int[]? map = null)
    {
        _checkpoint.Require(source, length);
        _recipes.Add(new TensorRecipe(prepared, 0, [new TensorPart(source, map?.Length ?? length, map)]));
        return prepared;
    }

    // All of them have a bias or none has.
    private string? Bias(string prepared, BiasSetting wanted, Projection[] projections)
    {
        string first = projections[0].Source + ".bias";
        bool present = _checkpoint.TryGet(first, out TensorEntry? unused);
        if (!wanted.Wanted && present)
        {
            throw new CheckpointException(
                unused!.File, $"tensor \"{first}\" is there, but {wanted.Reason}: restore the published config.json");
        }

        if (!wanted.Wanted)
        {
            return null;
        }

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
