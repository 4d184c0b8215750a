using System.Runtime.InteropServices;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Tests.Checkpoints;
using SpecDecode.Weights;

namespace SpecDecode.Tests.Weights;

/// <summary>A checkpoint of any tensors, which no family describes, and prepared weights made of it.</summary>
internal sealed class MadeCheckpoint : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SafetensorsBuilder _builder = new();
    private readonly List<TensorRecipe> _recipes = [];

    /// <summary>The file of prepared weights.</summary>
    public string Path => _folder.File("made.weights");

    /// <summary>Adds a tensor of floats and what is to be made of it.</summary>
    public MadeCheckpoint Add(string name, TensorFormat format, int rows, int columns, ReadOnlySpan<float> numbers) =>
        Add(name, "F32", format, rows, columns, MemoryMarshal.AsBytes(numbers));

    /// <summary>Adds a tensor of a type and what is to be made of it; one without columns is a vector.</summary>
    public MadeCheckpoint Add(string name, string type, TensorFormat format, int rows, int columns, ReadOnlySpan<byte> bytes)
    {
        _builder.Add(name, type, columns == 0 ? [rows] : [rows, columns], bytes);
        _recipes.Add(new TensorRecipe(name, columns, [new TensorPart(name, rows)]) { Format = format });
        return this;
    }

    /// <summary>Converts the tensors and opens what came of them.</summary>
    public PreparedWeights Prepare()
    {
        _folder.Write("config.json", "{}");
        _folder.Write("model.safetensors", _builder.Build());
        using Checkpoint checkpoint = Checkpoint.Open(_folder.Path);

        // A file has one size of blocks.
        int[] blockSizes = [.. _recipes.Where(recipe => recipe.Format.IsQuantized).Select(recipe => recipe.Format.BlockSize).Distinct()];
        WeightSettings settings = WeightSettings.Float32 with { BlockSize = blockSizes.Length == 0 ? WeightSettings.DefaultBlockSize : Assert.Single(blockSizes) };
        PreparedWeightsFile.Write(Path, checkpoint, WeightOrigin.Of(checkpoint, new ContentHash(0, 1), settings), [.. _recipes], null, TestContext.Current.CancellationToken);
        PreparedWeights? weights = PreparedWeightsFile.TryOpen(Path, _ => true, new DataCheck(memory: null, isAsked: true), null, TestContext.Current.CancellationToken);
        Assert.NotNull(weights);
        Assert.All(_recipes, recipe => Assert.Equal(recipe.Format, weights[recipe.Name].Format));
        return weights;
    }

    public void Dispose() => _folder.Dispose();
}
