using System.Text;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Drafting.Profiles;
using SpecDecode.Families;
using SpecDecode.Weights;

namespace SpecDecode.Pruning;

/// <summary>
/// Writes a checkpoint folder that holds some of another one's layers. It is put together under another name beside its place, described as
/// loading would, and then renamed, so it appears whole or not at all.
/// </summary>
internal static class PrunedFolder
{
    private const string FurtherTemplates = "additional_chat_templates";

    /// <summary>Checks that a folder can be made there.</summary>
    /// <param name="output">The folder.</param>
    /// <param name="checkpoint">The checkpoint's folder.</param>
    /// <returns>Its full path.</returns>
    /// <exception cref="SpecDecodeException">It exists, is no path, lies in the checkpoint, or the folder that it is to lie in is not there.</exception>
    public static string CheckTarget(string output, string checkpoint)
    {
        string target = Path.TrimEndingDirectorySeparator(CheckpointFile.FullPath(output));
        string source = CheckpointFile.FullPath(checkpoint);
        if (Path.GetDirectoryName(target) is not { } parent)
        {
            throw new SpecDecodeException($"{target}: is the root of the file system: name a folder that does not exist yet.");
        }

        if (CheckpointFolder.IsThere(target))
        {
            throw new SpecDecodeException($"{target}: it exists already: name a folder that does not exist yet, or remove this one.");
        }

        if (!Directory.Exists(parent))
        {
            throw new SpecDecodeException($"{target}: the folder {parent} is not there: make it, or name another place.");
        }

        try
        {
            string inner = Path.TrimEndingDirectorySeparator(FileLinks.Resolve(parent)) + Path.DirectorySeparatorChar;
            string outer = Path.TrimEndingDirectorySeparator(FileLinks.Resolve(source)) + Path.DirectorySeparatorChar;
            return !inner.StartsWith(outer, OperatingSystem.IsWindows() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal)
                ? target
                : throw new SpecDecodeException($"{target}: it would lie inside the checkpoint's own folder: name a place beside it.");
        }
        catch (Exception failure) when (CheckpointFile.IsFileFailure(failure))
        {
            throw CheckpointFile.Unreadable(parent, failure);
        }
    }

    /// <summary>Writes the folder.</summary>
    /// <param name="target">A path that <see cref="CheckTarget"/> gave.</param>
    /// <param name="checkpoint">The whole model.</param>
    /// <param name="model">The same, described.</param>
    /// <param name="layers">The layers that stay, in their order.</param>
    /// <param name="card">The model card.</param>
    /// <param name="progress">Told the share that is done; null for nobody.</param>
    /// <param name="cancellationToken">Ends the work; nothing stays.</param>
    /// <exception cref="SpecDecodeException">It cannot be written, or would not be the model without these layers.</exception>
    /// <exception cref="OperationCanceledException">The token said so.</exception>
    public static void Write(
        string target, Checkpoint checkpoint, DecoderDescription model, IReadOnlyList<int> layers, string card, IProgress<double>? progress,
        CancellationToken cancellationToken)
    {
        string temporary = $"{target}.{Guid.NewGuid():n}.tmp";
        bool made = false;
        try
        {
            NewFile.CreateFolder(temporary, checkpoint.Folder);
            NewFile.Write(Path.Combine(temporary, CheckpointFolder.Config), PrunedConfig.Write(checkpoint.Config, model, layers), checkpoint.Config.Path);
            NewFile.Write(Path.Combine(temporary, ModelCard.FileName), Encoding.UTF8.GetBytes(card), checkpoint.Config.Path);
            CopySmallFiles(checkpoint.Folder, temporary);
            PrunedWeights.Write(checkpoint, temporary, layers, progress, cancellationToken);
            Confirm(temporary, target, model, layers);
            cancellationToken.ThrowIfCancellationRequested();
            Directory.Move(temporary, target);
            made = true;
        }
        catch (Exception error) when (CheckpointFile.IsFileFailure(error))
        {
            // Among them what the runtime throws where a file is longer than the file system allows, which is an argument to it.
            throw new SpecDecodeException($"{target}: the pruned folder cannot be written there ({error.Message.ReplaceLineEndings(" ").TrimEnd('.')}). Free the space, get the right to write there, or name another folder.", error);
        }
        finally
        {
            if (!made)
            {
                TryDelete(temporary);
            }
        }
    }

    // A profile is about the whole model, and its card becomes a file beside the new one.
    private static void CopySmallFiles(string from, string to)
    {
        foreach (FileInfo file in SmallFiles.Find(from))
        {
            if (file.Name is not (CheckpointFolder.Config or DraftingProfile.FileName) && file.Extension != BridgeFile.Extension)
            {
                bool isCard = file.Name.Equals(ModelCard.FileName, StringComparison.OrdinalIgnoreCase);
                NewFile.Copy(file.FullName, Path.Combine(to, isCard ? ModelCard.NameOfOriginal(from) : file.Name));
            }
        }

        string templates = Path.Combine(from, FurtherTemplates);
        if (Directory.Exists(templates))
        {
            NewFile.CreateFolder(Path.Combine(to, FurtherTemplates), templates);
            foreach (FileInfo file in SmallFiles.Find(templates))
            {
                NewFile.Copy(file.FullName, Path.Combine(to, FurtherTemplates, file.Name));
            }
        }
    }

    // What was written is read as loading reads it: each layer must see the positions that it saw before.
    private static void Confirm(string folder, string target, DecoderDescription model, IReadOnlyList<int> layers)
    {
        using Checkpoint written = Checkpoint.Open(folder);
        DecoderDescription pruned = ModelFamilies.Describe(written);
        for (int i = 0; i < layers.Count; i++)
        {
            LayerDescription before = model.Layers[layers[i]];
            if (pruned.Layers.Length != layers.Count || pruned.Layers[i].Attention.Attend != before.Attention.Attend || pruned.Layers[i].IsParallel != before.IsParallel)
            {
                throw new SpecDecodeException(
                    $"{target}: layer {layers[i]} would see other positions as layer {i} than it does now, and config.json of the family {model.Family} cannot say otherwise: drop other layers.");
            }
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
