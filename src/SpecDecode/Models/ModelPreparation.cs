using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Families;
using SpecDecode.Weights;

namespace SpecDecode.Models;

/// <summary>Converts a checkpoint's weights ahead of time, so that the first load is as quick as the later ones.</summary>
public static class ModelPreparation
{
    /// <summary>Prepares a checkpoint.</summary>
    /// <param name="folder">The checkpoint folder.</param>
    /// <param name="options">In which precision, and where prepared weights go; null takes the defaults.</param>
    /// <param name="output">
    /// A folder to make, which must not exist: with config.json, tokenizer and what else small lies beside them, and the converted
    /// weights in place of the checkpoint's. It can be loaded and shipped in its place. Null converts into the cache folder.
    /// </param>
    /// <param name="progress">Told how far it is, from several threads; null for nobody.</param>
    /// <param name="cancellationToken">Ends the work; nothing half-written stays.</param>
    /// <returns>What there is now.</returns>
    /// <exception cref="SpecDecodeException">
    /// The checkpoint is damaged, unknown or prepared already, an option is out of range, the output exists, or the disk is full.
    /// </exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public static PreparedModel Prepare(
        string folder, ModelOptions? options = null, string? output = null,
        IProgress<LoadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(folder);
        string? target = output is null ? null : PreparedFolder.CheckTarget(output, folder);
        using ModelFolder source = ModelFolder.Open(folder, options ?? new());
        if (source.IsPrepared)
        {
            throw new CheckpointException(folder, "is a prepared folder already: give the original checkpoint, or load this folder as it is");
        }

        DecoderDescription description = ModelFamilies.Describe(source.Checkpoint);
        if (target is not null)
        {
            return PreparedFolder.Write(target, source, description, progress, cancellationToken);
        }

        List<string> warnings = [];
        using PreparedWeights weights = source.OpenWeights(description, progress, cancellationToken, warnings.Add);
        return source.Result(weights.Path, weights.Path) with { Warnings = warnings is [] ? [] : warnings };
    }
}
