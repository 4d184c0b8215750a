using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Drafting.Profiles;
using SpecDecode.Families;
using SpecDecode.Weights;

namespace SpecDecode.Pruning;

/// <summary>
/// Static layer pruning (ShortGPT, 2403.03853): a smaller checkpoint without some of a model's layers, for this library and for others.
/// Only whole layers can go, since a checkpoint has no way to say that a layer lacks its attention or its MLP.
/// </summary>
public static class LayerPruning
{
    /// <summary>The layers that a drafting profile's best plan leaves out.</summary>
    /// <param name="profile">The profile.</param>
    /// <returns>Their numbers, from 0.</returns>
    /// <exception cref="ArgumentNullException">The profile is null.</exception>
    /// <exception cref="SpecDecodeException">The plan leaves out half a layer, or nothing, ends with a bridge, or runs blocks in another order.</exception>
    public static IReadOnlyList<int> LayersOf(DraftingProfile profile)
    {
        ArgumentNullException.ThrowIfNull(profile);
        return PrunedLayers.DroppedBy(profile);
    }

    /// <summary>Writes a checkpoint folder without some layers. Weights are copied piece by piece, whatever their size.</summary>
    /// <param name="folder">The checkpoint folder.</param>
    /// <param name="layers">The layers to drop, from 0; repeats do no harm.</param>
    /// <param name="output">
    /// A folder to make, which must not exist, in one that does: config.json, safetensors files, tokenizer and what else small lies beside them, and
    /// a model card.
    /// </param>
    /// <param name="options">What the card says, and which model it must be; null says nothing.</param>
    /// <param name="progress">Told the share of the weights that is written; null for nobody.</param>
    /// <param name="cancellationToken">Ends the work; nothing half-written stays.</param>
    /// <returns>What there is now.</returns>
    /// <exception cref="ArgumentNullException">Folder, layers or output are null.</exception>
    /// <exception cref="SpecDecodeException">
    /// The checkpoint is damaged, unknown, prepared or another one than the layers were chosen for; none or all layers would go; the output exists, lies
    /// inside the checkpoint, or cannot be written.
    /// </exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public static PrunedModel Prune(
        string folder, IReadOnlyList<int> layers, string output, PruningOptions? options = null, IProgress<double>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(layers);
        ArgumentNullException.ThrowIfNull(output);
        string target = PrunedFolder.CheckTarget(output, folder);
        using ModelFolder source = ModelFolder.Open(folder, new ModelOptions());
        if (source.IsPrepared)
        {
            throw new CheckpointException(folder, "is a prepared folder, whose weights are converted already: give the original checkpoint");
        }

        Checkpoint checkpoint = source.Checkpoint;
        DecoderDescription model = ModelFamilies.Describe(checkpoint);
        int[] kept = PrunedLayers.Kept(layers, model.Layers.Length);
        ModelIdentity identity = new(
            model.Family, model.Layers.Length, model.VocabularySize, checkpoint.Fingerprint(cancellationToken: cancellationToken).ToString());
        if (options?.ChosenFor?.FindDifference(identity) is { } difference)
        {
            throw new SpecDecodeException($"{folder}: the layers to drop were chosen for another model: they are {difference}. Choose layers of this model.");
        }

        PrunedModel result = new()
        {
            Path = target, Kept = kept, Dropped = [.. layers.Distinct().Order()],
            Bytes = PrunedWeights.Bytes(checkpoint, kept), OriginalBytes = checkpoint.Tensors.Values.Sum(tensor => tensor.Length),
        };
        PrunedFolder.Write(target, checkpoint, model, kept, ModelCard.Write(checkpoint, identity, result, options ?? new()), progress, cancellationToken);
        return result;
    }

    /// <summary>
    /// Refuses what <see cref="Prune"/> would refuse at once, ahead of work that takes long: an output that cannot be made.
    /// </summary>
    /// <param name="folder">The checkpoint folder.</param>
    /// <param name="output">The folder to make.</param>
    /// <exception cref="SpecDecodeException">It exists, lies inside the checkpoint, or the folder that it is to lie in is not there.</exception>
    public static void CheckOutput(string folder, string output)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(output);
        PrunedFolder.CheckTarget(output, folder);
    }
}
