using System.Collections.Immutable;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Weights;

/// <summary>
/// Writes a folder that stands in for a checkpoint: its small files, and the converted weights. It is put together under
/// another name beside its place and then renamed, so it appears whole or not at all.
/// </summary>
internal static class PreparedFolder
{
    /// <summary>Checks that a folder can be made there.</summary>
    /// <param name="output">The folder.</param>
    /// <param name="checkpoint">The checkpoint's folder.</param>
    /// <returns>Its full path.</returns>
    /// <exception cref="SpecDecodeException">It exists, or is no path.</exception>
    public static string CheckTarget(string output, string checkpoint)
    {
        string target = Path.TrimEndingDirectorySeparator(CheckpointFile.FullPath(output));
        if (target == Path.TrimEndingDirectorySeparator(CheckpointFile.FullPath(checkpoint)))
        {
            throw new SpecDecodeException($"{target}: the prepared folder cannot be the checkpoint's own: name one that does not exist yet.");
        }

        return Path.Exists(target)
            ? throw new SpecDecodeException($"{target}: it exists already: name a folder that does not exist yet, or remove this one.")
            : target;
    }

    /// <summary>Writes the folder.</summary>
    /// <param name="target">A path that <see cref="CheckTarget"/> gave.</param>
    /// <param name="source">The opened checkpoint.</param>
    /// <param name="description">The model.</param>
    /// <param name="progress">Told how far it is; null for nobody.</param>
    /// <param name="cancellationToken">Ends the work; nothing stays.</param>
    /// <exception cref="SpecDecodeException">It cannot be written, or a weight cannot be rounded.</exception>
    public static PreparedModel Write(
        string target, ModelFolder source, DecoderDescription description, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
    {
        string temporary = $"{target}.{Guid.NewGuid():n}.tmp";
        bool made = false;
        try
        {
            Directory.CreateDirectory(temporary);
            CopySmallFiles(source.Checkpoint.Folder, temporary);
            string weights = Path.Combine(temporary, CheckpointFolder.Prepared);
            WeightOrigin origin = WeightOrigin.Of(source.Checkpoint, source.Checkpoint.Fingerprint(progress, cancellationToken), source.Settings);
            ImmutableArray<TensorRecipe> recipes = source.Settings.Recipes(description, source.Checkpoint.Tensors);
            DataCheck check = new(memory: null, source.Verifies);
            check.Written = PreparedWeightsFile.Write(weights, source.Checkpoint, origin, recipes, progress, cancellationToken);
            using (PreparedWeights? written = PreparedWeightsFile.TryOpen(
                weights, table => PreparedWeightsFile.IsOf(table, origin.Key(recipes), recipes), check, progress, cancellationToken))
            {
                if (written is null)
                {
                    throw new SpecDecodeException($"{target}: what was just written reads back differently; the disk or its memory is at fault.");
                }
            }

            PreparedModel result = source.Result(target, weights);
            Directory.Move(temporary, target);
            made = true;
            return result;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpecDecodeException($"{target}: the prepared folder cannot be written there ({error.Message}). Free the space or name another folder.", error);
        }
        finally
        {
            if (!made)
            {
                TryDelete(temporary);
            }
        }
    }

    private static void CopySmallFiles(string from, string to)
    {
        foreach (FileInfo file in SmallFiles.Find(from))
        {
            // Of a link what it points to.
            file.CopyTo(Path.Combine(to, file.Name));
        }
    }

    // What cannot be deleted stays, under a name that nobody takes for a checkpoint.
    private static void TryDelete(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
        }
    }
}
