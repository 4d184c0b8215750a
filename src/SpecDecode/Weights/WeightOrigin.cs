using System.Collections.Immutable;
using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Weights;

/// <summary>What a prepared-weights file was made from and how.</summary>
/// <param name="Fingerprint">The checkpoint's fingerprint.</param>
/// <param name="Settings">How its weights are stored.</param>
/// <param name="Sources">The checkpoint's tensors, so that the model can be described without them.</param>
internal sealed record WeightOrigin(ContentHash Fingerprint, WeightSettings Settings, ImmutableArray<SourceTensor> Sources)
{
    /// <summary>The origin of weights that are made from this checkpoint.</summary>
    public static WeightOrigin Of(Checkpoint checkpoint, ContentHash fingerprint, WeightSettings settings) => new(
        fingerprint,
        settings,
        [
            .. checkpoint.Tensors.Values.OrderBy(tensor => tensor.Name, StringComparer.Ordinal)
                .Select(tensor => new SourceTensor(tensor.Name, tensor.DType, tensor.Shape)),
        ]);

    /// <summary>A hash of the checkpoint's content and of everything that decides how it is laid out.</summary>
    /// <param name="recipes">The tensors.</param>
    /// <param name="version">The version of the file's format; null for the one that is written now.</param>
    public string Key(ImmutableArray<TensorRecipe> recipes, int? version = null)
    {
        XxHash128 hash = new();
        void Add(string text) => hash.Append(Encoding.UTF8.GetBytes(text + "\n"));
        void AddMap(int[]? map) => hash.Append(MemoryMarshal.AsBytes<int>(map ?? [-2]));

        Add(string.Create(CultureInfo.InvariantCulture, $"format {version ?? PreparedWeightsFormat.VersionOf(Settings.Layout)} {Fingerprint}"));
        Add(string.Create(CultureInfo.InvariantCulture, $"{Settings.Precision} {Settings.Head} {Settings.BlockSize}"));
        foreach (TensorRecipe recipe in recipes)
        {
            Add(string.Create(CultureInfo.InvariantCulture, $"{recipe.Name} {recipe.Columns} {recipe.Format.Precision} {recipe.Format.BlockSize}"));
            if (recipe.Format.Layout != TensorLayout.Rows)
            {
                Add(recipe.Format.Layout.ToString());
            }

            foreach (TensorPart part in recipe.Parts)
            {
                Add(string.Create(CultureInfo.InvariantCulture, $"{part.Source} {part.Rows}"));
                AddMap(part.RowMap);
                AddMap(part.ColumnMap);
            }
        }

        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }
}

/// <summary>A tensor that a checkpoint has.</summary>
/// <param name="Name">Its name.</param>
/// <param name="DType">Its element type as stored there.</param>
/// <param name="Shape">Its dimensions.</param>
internal sealed record SourceTensor(string Name, string DType, ImmutableArray<long> Shape);
