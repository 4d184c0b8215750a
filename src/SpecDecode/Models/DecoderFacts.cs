using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Families;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Weights;

namespace SpecDecode.Models;

/// <summary>From a description to the sizes and figures that people ask for.</summary>
internal static class DecoderFacts
{
    /// <summary>The facts.</summary>
    /// <param name="model">The model.</param>
    /// <param name="config">config.json.</param>
    /// <param name="family">The family that read it.</param>
    /// <param name="source">The folder.</param>
    /// <exception cref="SpecDecodeException">A prepared folder's file is damaged or belongs to another model.</exception>
    public static DecoderSummary Of(DecoderDescription model, ConfigDocument config, FamilyDefaults family, ModelFolder source)
    {
        LayerDescription first = model.Layers[0];
        AttendDescription[] attends = [.. model.Layers.Select(layer => layer.Attention.Attend)];
        AttentionShape shape = AttentionShape.Read(config, family);
        TensorEntry[] stored = [.. Stored(model, source.Checkpoint)];
        RotaryDescription? rotary = attends.Select(attend => attend.Rotary).FirstOrDefault(rotary => rotary is not null);
        return new DecoderSummary
        {
            LayerCount = model.Layers.Length,
            HiddenSize = model.HiddenSize,
            IntermediateSize = first.Mlp.Down.Inputs,
            QueryHeads = shape.QueryHeads,
            KeyValueHeads = shape.KeyValueHeads,
            HeadSize = shape.HeadSize,
            VocabularySize = model.VocabularySize,
            MaxSequenceLength = model.MaxPositions,
            Parameters = stored.Sum(Elements),
            TiesEmbedding = model.Head.Weight == model.Embedding,
            StoredTypes = [.. stored.GroupBy(tensor => tensor.DType).OrderByDescending(type => type.Sum(Elements)).Select(type => type.Key)],
            RotaryBase = RotaryConfig.ReadBase(config, family),
            RotaryChannels = 2 * (rotary?.InverseFrequencies.Length ?? 0),
            RotaryScaling = RotaryConfig.ReadScaling(config, family),
            RotaryLayers = attends.Count(attend => attend.Rotary is not null),
            Window = attends.Select(attend => attend.Window).FirstOrDefault(window => window is not null),
            WindowLayers = attends.Count(attend => attend.Window is not null),
            KvBytesPerToken = attends.Sum(attend => 2L * attend.KeyValueHeads * attend.HeadSize * model.ElementType.Bytes()),
            KvBytesOfContext = OnnxStages.KvBytes(model, KvPrecision.Fp32, model.MaxPositions),
            Weights = source.IsPrepared ? [Prepared(model, source)] : [.. Precisions(source).Select(precision => Converted(model, source, precision))],
        };
    }

    private static IEnumerable<TensorEntry> Stored(DecoderDescription model, Checkpoint checkpoint) =>
        from name in model.Tensors.SelectMany(recipe => recipe.Parts).Select(part => part.Source).Distinct(StringComparer.Ordinal)
        where checkpoint.Tensors.ContainsKey(name)
        select checkpoint.Tensors[name];

    private static long Elements(TensorEntry tensor) => tensor.Shape.Aggregate(1L, (elements, size) => checked(elements * size));

    // First what it is loaded in by default, then what it can be rounded to.
    private static IEnumerable<Precision> Precisions(ModelFolder source) =>
        ((Precision[])[source.Settings.Precision, Precision.Int8, Precision.Int4]).Distinct();

    private static WeightSummary Converted(DecoderDescription model, ModelFolder source, Precision precision)
    {
        WeightSettings settings = WeightSettings.Of(new ModelOptions { Precision = precision }, source.Checkpoint.Tensors.Values);
        return Summary(
            model, source, settings,
            PreparedWeightsFormat.FileBytes(WeightOrigin.Of(source.Checkpoint, default, settings), settings.Recipes(model, source.Checkpoint.Tensors)));
    }

    private static WeightSummary Prepared(DecoderDescription model, ModelFolder source) => Summary(model, source, source.Settings, source.FindPrepared(model).Bytes);

    private static WeightSummary Summary(DecoderDescription model, ModelFolder source, WeightSettings settings, long fileBytes) => new()
    {
        Precision = settings.Precision,
        HeadPrecision = settings.Head,
        BlockSize = settings.BlockSize,
        FileBytes = fileBytes,
        MemoryBytes = settings.Recipes(model, source.Checkpoint.Tensors)
            .Where(recipe => recipe.Name != model.Embedding || recipe.Name == model.Head.Weight)
            .Sum(recipe => new PreparedTensor(recipe.Name, recipe.Shape, recipe.Format, 0).TotalLength),
    };
}
