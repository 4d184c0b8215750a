using System.Collections.Immutable;
using Microsoft.Win32.SafeHandles;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Weights;

/// <summary>
/// The folder of prepared-weights files. A file's name is the hash of the checkpoint's content and of everything that
/// decides how it is laid out, so a changed checkpoint finds another name, and a damaged file is written again. Files
/// appear whole or not at all, and two processes that need the same one wait for each other. Neither the checkpoint nor the file
/// is read in full while the system says the same of them as when they were (<see cref="Stamp"/>). What others may have written is
/// not used (<see cref="FileTrust"/>): hashes tell of damage, not of intent.
/// </summary>
internal sealed class WeightCache
{
    // Of what drafting has learnt, which others write here.
    private static readonly string LearntPattern = OwnFile.TemporaryPattern(".learnt");

    private static readonly TimeSpan Abandoned = TimeSpan.FromDays(1);
    private static readonly TimeSpan LockPoll = TimeSpan.FromMilliseconds(50);

    // The one that was named, until it turns out that others may write it.
    private string _folder;
    private readonly Action<string>? _warn;

    /// <summary>Uses a folder, which is made when the first file is written.</summary>
    /// <param name="folder">The folder; null takes <see cref="CacheFolder.Default"/>.</param>
    /// <param name="warn">Told of a file that is not used, a sentence at a time; null for nobody.</param>
    /// <exception cref="SpecDecodeException">It is no path, or the user has no cache directory.</exception>
    public WeightCache(string? folder, Action<string>? warn = null)
    {
        _folder = CacheFolder.Full(folder);
        _warn = warn;
    }

    /// <summary>Finds the checkpoint's prepared weights, or prepares them.</summary>
    /// <param name="checkpoint">The opened checkpoint.</param>
    /// <param name="description">Its description, whose recipes are followed.</param>
    /// <param name="settings">How weights are stored.</param>
    /// <param name="progress">Told the share that is done while weights are read, compared and written; null for nobody.</param>
    /// <param name="cancellationToken">Ends the work; nothing half-written stays.</param>
    /// <param name="verifies">Whether the checkpoint and its prepared weights are read in full, whatever is remembered of them.</param>
    /// <exception cref="SpecDecodeException">
    /// The folder cannot be written, or others may write it, the disk is full, or a weight cannot be rounded.
    /// </exception>
    public PreparedWeights Open(
        Checkpoint checkpoint, DecoderDescription description, WeightSettings settings,
        IProgress<LoadProgress>? progress, CancellationToken cancellationToken, bool verifies = false)
    {
        _folder = CacheFolder.Safe(_folder);
        ImmutableArray<TensorRecipe> recipes = settings.Recipes(description, checkpoint.Tensors);
        RememberedFingerprint fingerprint = new(checkpoint, _folder);
        ContentHash? remembered = fingerprint.Find();
        if (remembered is { } known && !verifies && Guarded(EntryOf(known), entry => TryOpen(entry, warns: false, progress, cancellationToken)) is { } weights)
        {
            return weights;
        }

        // Nothing is made for a fingerprint that is only remembered.
        ContentHash read = fingerprint.Compute(progress, cancellationToken);
        if (remembered is not null && remembered != read)
        {
            _warn?.Invoke($"{checkpoint.Folder}: its weights are not those that were read before, though the system says the same of their files: they are damaged, or were changed and dated back. Compare them with where they come from, or download them again.");
        }

        // Whoever replaces a file warns of it, and so once.
        return Guarded(EntryOf(read), entry =>
            TryOpen(entry, warns: false, progress, cancellationToken) ?? Prepare(entry, checkpoint, progress, cancellationToken));

        Entry EntryOf(ContentHash value)
        {
            WeightOrigin origin = WeightOrigin.Of(checkpoint, value, settings);
            string key = origin.Key(recipes);
            string path = Path.Combine(_folder, $"{description.Family}-{settings.Precision.Name()}-{key}.weights");
            return new Entry(path, origin, key, recipes, new DataCheck(StampFile.Beside(path), verifies));
        }
    }

    private static T Guarded<T>(Entry entry, Func<Entry, T> open)
    {
        try
        {
            return open(entry);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new OptionException(
                $"{entry.Path}: prepared weights cannot be written or read there ({error.Message}). Make the folder writable, free the space, or name another cache folder with {CacheFolder.Option}.", error);
        }
    }

    private PreparedWeights? TryOpen(Entry entry, bool warns, IProgress<LoadProgress>? progress, CancellationToken cancellationToken) => PreparedWeightsFile.TryOpen(
        entry.Path, table => PreparedWeightsFile.IsOf(table, entry.Key, entry.Recipes), entry.Check, progress, cancellationToken,
        isTrusted: file => IsTrusted(file, entry.Path, warns));

    private PreparedWeights Prepare(Entry entry, Checkpoint checkpoint, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
    {
        FileTrust.CreateFolder(_folder);
        using FileStream held = WaitForLock(entry.Path + ".lock", progress, cancellationToken);
        if (TryOpen(entry, warns: true, progress, cancellationToken) is { } preparedByAnother)
        {
            return preparedByAnother;
        }

        TellOfOthers(entry.Path, entry.Origin);
        DeleteLeftovers(Path.GetFileName(entry.Path));
        string temporary = $"{entry.Path}.{Guid.NewGuid():n}.tmp";
        try
        {
            entry.Check.Written = PreparedWeightsFile.Write(temporary, checkpoint, entry.Origin, entry.Recipes, progress, cancellationToken, isPrivate: true);
            File.Move(temporary, entry.Path, overwrite: true);
        }
        catch
        {
            TryDelete(temporary);
            throw;
        }

        return TryOpen(entry, warns: true, progress, cancellationToken)
            ?? throw new SpecDecodeException($"{entry.Path}: what was just written reads back differently; the disk or its memory is at fault.");
    }

    // Weights that are there already and are not used, but made: why.
    private void TellOfOthers(string path, WeightOrigin origin)
    {
        foreach (FileInfo file in new DirectoryInfo(_folder).EnumerateFiles("*.weights"))
        {
            // Others may have put something else there, which would not open or never end.
            bool isWanted = file.FullName == path;
            if (!isWanted && file.Length < PreparedWeightsFormat.TrailerBytes)
            {
                continue;
            }

            PreparedWeightsFormat.Heading? heading;
            try
            {
                using SafeFileHandle handle = File.OpenHandle(file.FullName, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                if (FileTrust.FindFileDoubt(handle) is not null)
                {
                    continue;
                }

                heading = PreparedWeightsFormat.ReadHeading(handle);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                continue;
            }

            bool isOther = heading is not null && (!PreparedWeightsFormat.IsKnown(heading.Version) || PreparedWeightsFormat.IsOlder(heading.Version));
            if (isWanted)
            {
                _warn?.Invoke($"{path}: these prepared weights are not used, since they are {(isOther ? Versions(heading!) : "damaged")}; they are made again from the checkpoint.");
            }
            else if (isOther && heading!.IsOf(origin))
            {
                _warn?.Invoke($"{file.FullName}: these prepared weights are not used, since they are {Versions(heading)}; they are made again from the checkpoint, beside them. Delete them where no other version needs them.");
            }
        }

        static string Versions(PreparedWeightsFormat.Heading heading) => $"of format version {heading.Version}, " + (PreparedWeightsFormat.IsOlder(heading.Version)
            ? "which this version of the library reads in prepared folders only"
            : $"and this version of the library reads {PreparedWeightsFormat.Versions}");
    }

    private bool IsTrusted(SafeFileHandle file, string path, bool warns)
    {
        string? doubt = FileTrust.FindFileDoubt(file);
        if (doubt is not null && warns)
        {
            _warn?.Invoke($"{path}: these prepared weights are not used, since {doubt}; they are made again from the checkpoint.");
        }

        return doubt is null;
    }

    // Whoever holds the lock is alone, so what else lies here under this name was left by a crash; so was what has not been
    // written to for a day under another.
    private void DeleteLeftovers(string name)
    {
        DirectoryInfo folder = new(_folder);
        foreach (FileInfo left in folder.EnumerateFiles("*.weights.*.tmp").Concat(folder.EnumerateFiles(StampFile.TemporaryPattern)).Concat(folder.EnumerateFiles(LearntPattern)))
        {
            if (left.Name.StartsWith(name, StringComparison.Ordinal) || left.LastWriteTimeUtc < DateTime.UtcNow - Abandoned)
            {
                TryDelete(left.FullName);
            }
        }
    }

    // What cannot be deleted stays; it is in nobody's way.
    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
        }
    }

    private static FileStream WaitForLock(string path, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                FileStreamOptions options = new() { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None };
                if (!OperatingSystem.IsWindows())
                {
                    options.UnixCreateMode = FileTrust.OwnFile;
                }

                return new FileStream(path, options);
            }
            catch (IOException error) when (IsHeldByAnother(error))
            {
                progress?.Report(new LoadProgress(LoadPhase.WaitingForAnotherProcess, 0));
                cancellationToken.WaitHandle.WaitOne(LockPoll);
            }
        }
    }

    // What .NET gives for a file that another process has open exclusively: on Windows the violations of sharing and of a lock,
    // elsewhere the system's own number for EWOULDBLOCK.
    private static bool IsHeldByAnother(IOException error) => OperatingSystem.IsWindows()
        ? (error.HResult & 0xFFFF) is 32 or 33
        : error.HResult == (OperatingSystem.IsLinux() ? 11 : 35);

    /// <summary>One file of the folder.</summary>
    private sealed record Entry(string Path, WeightOrigin Origin, string Key, ImmutableArray<TensorRecipe> Recipes, DataCheck Check);
}
