using System.Collections.Immutable;
using Microsoft.Win32.SafeHandles;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Weights;

/// <summary>Opening and writing one prepared-weights file.</summary>
internal static class PreparedWeightsFile
{
    /// <summary>Opens the file if it is whole, undamaged and what is looked for.</summary>
    /// <param name="path">The file.</param>
    /// <param name="isWanted">Asked about its table before its data are compared with their hashes.</param>
    /// <param name="check">Whether its data are compared with their hashes.</param>
    /// <param name="progress">Told the share that has been compared.</param>
    /// <param name="cancellationToken">Ends the comparing.</param>
    /// <param name="isTrusted">Asked about the open file before anything of it is read; null trusts it.</param>
    /// <returns>The weights; null when there is no such file.</returns>
    public static PreparedWeights? TryOpen(
        string path, Func<PreparedWeightsFormat.Table, bool> isWanted, DataCheck check, IProgress<LoadProgress>? progress,
        CancellationToken cancellationToken, Func<SafeFileHandle, bool>? isTrusted = null)
    {
        SafeFileHandle handle;
        try
        {
            handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }

        bool opened = false;
        try
        {
            if (isTrusted is not null && !isTrusted(handle))
            {
                return null;
            }

            PreparedWeightsFormat.Table? table = PreparedWeightsFormat.ReadTable(handle);
            if (table is null || !isWanted(table) || !check.Passes(handle, path, table, progress, cancellationToken))
            {
                return null;
            }

            opened = true;
            return new PreparedWeights(path, handle, table.Tensors) { Key = table.Key, Fingerprint = table.Origin.Fingerprint.ToString() };
        }
        finally
        {
            if (!opened)
            {
                handle.Dispose();
            }
        }
    }

    /// <summary>Whether the table is the one of these recipes and this key, tensor by tensor.</summary>
    public static bool IsOf(PreparedWeightsFormat.Table table, string key, ImmutableArray<TensorRecipe> recipes) =>
        table.Key == key && table.Tensors.Length == recipes.Length
        && table.Tensors.Zip(recipes).All(pair =>
            pair.First.Name == pair.Second.Name && pair.First.Format == pair.Second.Format && pair.First.Shape.SequenceEqual(pair.Second.Shape));

    /// <summary>Writes the file, flushed to the disk.</summary>
    /// <param name="path">A file that does not exist.</param>
    /// <param name="checkpoint">Where the weights come from.</param>
    /// <param name="origin">What and how.</param>
    /// <param name="recipes">The tensors.</param>
    /// <param name="progress">Told the share that is written.</param>
    /// <param name="cancellationToken">Ends the writing; the file stays half-written.</param>
    /// <param name="isPrivate">Whether only its owner may read and write it, where the system knows that.</param>
    /// <returns>What the system says of the file now; null where it does not.</returns>
    /// <exception cref="IOException">There is no room, or the disk fails.</exception>
    public static FileState? Write(
        string path, Checkpoint checkpoint, WeightOrigin origin, ImmutableArray<TensorRecipe> recipes,
        IProgress<LoadProgress>? progress, CancellationToken cancellationToken, bool isPrivate = false)
    {
        long total = PreparedWeightsWriter.DataLength(recipes);
        if (FreeSpace(Path.GetDirectoryName(path)!) is { } free && free < total)
        {
            throw new IOException($"{total >> 20} MB are needed and {free >> 20} MB are free");
        }

        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 1 << 20, PreallocationSize = total };
        if (isPrivate && !OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = FileTrust.OwnFile;
        }

        using FileStream stream = new(path, options);
        new PreparedWeightsWriter(checkpoint, stream).Write(
            origin, recipes, written => progress?.Report(new LoadProgress(LoadPhase.PreparingWeights, (double)written / total)), cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        stream.Flush(flushToDisk: true);
        return DateBack(stream.SafeFileHandle) ? FileState.Of(stream.SafeFileHandle) : null;
    }

    // So that whatever is written to it later, even at once, gives it another time.
    private static bool DateBack(SafeFileHandle file)
    {
        try
        {
            File.SetLastWriteTimeUtc(file, FileState.SettledTime);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    // Null where it cannot be told, as for a network path: then a full disk is noticed while writing.
    private static long? FreeSpace(string folder)
    {
        try
        {
            return new DriveInfo(folder).AvailableFreeSpace;
        }
        catch (Exception error) when (error is ArgumentException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
