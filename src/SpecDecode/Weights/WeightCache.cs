using System.Collections.Immutable;
using Microsoft.Win32.SafeHandles;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Weights;

/// <summary>
/// The folder of prepared-weights files. A file's name is the hash of the checkpoint's content and of everything that
/// decides how it is laid out, so a changed checkpoint finds another name, and a damaged file is written again. Files
/// appear whole or not at all, and two processes that need the same one wait for each other. What others may have written is
/// not used (<see cref="FileTrust"/>): hashes tell of damage, not of intent.
/// </summary>
internal sealed class WeightCache
{
    private static readonly OptionName FolderOption = OptionName.OfModel(nameof(ModelOptions.CacheFolder));
    private static readonly TimeSpan Abandoned = TimeSpan.FromDays(1);
    private static readonly TimeSpan LockPoll = TimeSpan.FromMilliseconds(50);

    // The one that was named, until it turns out that others may write it.
    private string _folder;
    private readonly Action<string>? _warn;

    /// <summary>Uses a folder, which is made when the first file is written.</summary>
    /// <param name="folder">The folder; null takes <see cref="DefaultFolder"/>.</param>
    /// <param name="warn">Told of a file that is not used, a sentence at a time; null for nobody.</param>
    /// <exception cref="SpecDecodeException">It is no path, or the user has no cache directory.</exception>
    public WeightCache(string? folder, Action<string>? warn = null)
    {
        _warn = warn;
        try
        {
            _folder = Path.GetFullPath(folder ?? DefaultFolder());
        }
        catch (ArgumentException error)
        {
            throw new OptionException($"{FolderOption} is '{folder}', which is no path: name a cache folder for prepared weights, or none for the default.", error);
        }
    }

    /// <summary>
    /// <c>specdecode</c> in the user's cache directory: <c>$XDG_CACHE_HOME</c> or <c>~/.cache</c>; on macOS
    /// <c>~/Library/Caches</c>; on Windows <c>%LOCALAPPDATA%</c>.
    /// </summary>
    /// <exception cref="SpecDecodeException">The user has no home directory.</exception>
    public static string DefaultFolder()
    {
        string? xdg = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        string root = OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
            : OperatingSystem.IsMacOS() && home.Length > 0 ? Path.Combine(home, "Library", "Caches")
            : Path.IsPathFullyQualified(xdg ?? "") ? xdg!
            : home.Length > 0 ? Path.Combine(home, ".cache")
            : "";
        return root.Length > 0
            ? Path.Combine(root, "specdecode")
            : throw new OptionException($"{FolderOption} is not set, and this user has no cache directory (no home directory, no XDG_CACHE_HOME): name a cache folder for prepared weights.");
    }

    /// <summary>Finds the checkpoint's prepared weights, or prepares them.</summary>
    /// <param name="checkpoint">The opened checkpoint.</param>
    /// <param name="fingerprint">The checkpoint's fingerprint.</param>
    /// <param name="description">Its description, whose recipes are followed.</param>
    /// <param name="settings">How weights are stored.</param>
    /// <param name="progress">Told the share that is done while weights are compared and written; null for nobody.</param>
    /// <param name="cancellationToken">Ends the work; nothing half-written stays.</param>
    /// <exception cref="SpecDecodeException">
    /// The folder cannot be written, or others may write it, the disk is full, or a weight cannot be rounded.
    /// </exception>
    public PreparedWeights Open(
        Checkpoint checkpoint, UInt128 fingerprint, DecoderDescription description, WeightSettings settings,
        IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
    {
        WeightOrigin origin = WeightOrigin.Of(checkpoint, fingerprint, settings);
        ImmutableArray<TensorRecipe> recipes = settings.Recipes(description, checkpoint.Tensors);
        string key = origin.Key(recipes);
        _folder = SafeFolder(_folder);
        string path = Path.Combine(_folder, $"{description.Family}-{settings.Precision.Name()}-{key}.weights");
        PreparedWeights? TryOpen(bool warns) => PreparedWeightsFile.TryOpen(
            path, table => PreparedWeightsFile.IsOf(table, key, recipes), progress, cancellationToken, isTrusted: file => IsTrusted(file, path, warns));
        try
        {
            // Whoever replaces a file warns of it, and so once.
            return TryOpen(warns: false) ?? Prepare(
                path, origin, () => TryOpen(warns: true),
                temporary => PreparedWeightsFile.Write(temporary, checkpoint, origin, recipes, progress, cancellationToken, isPrivate: true),
                progress, cancellationToken);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new OptionException(
                $"{path}: prepared weights cannot be written or read there ({error.Message}). Make the folder writable, free the space, or name another cache folder with {FolderOption}.", error);
        }
    }

    private PreparedWeights Prepare(
        string path, WeightOrigin origin, Func<PreparedWeights?> tryOpen, Action<string> write, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
    {
        FileTrust.CreateFolder(_folder);
        using FileStream held = WaitForLock(path + ".lock", progress, cancellationToken);
        if (tryOpen() is { } preparedByAnother)
        {
            return preparedByAnother;
        }

        TellOfOthers(path, origin);
        DeleteLeftovers(Path.GetFileName(path));
        string temporary = $"{path}.{Guid.NewGuid():n}.tmp";
        try
        {
            write(temporary);
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            TryDelete(temporary);
            throw;
        }

        return tryOpen()
            ?? throw new SpecDecodeException($"{path}: what was just written reads back differently; the disk or its memory is at fault.");
    }

    // The folder itself, or one of this user's own in it.
    private static string SafeFolder(string folder)
    {
        string? doubt;
        try
        {
            doubt = FileTrust.FindFolderDoubt(folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Whoever writes or reads in it says so.
            return folder;
        }

        if (doubt is null)
        {
            return folder;
        }

        string? own = FileTrust.OwnFolderIn(folder);
        string failure = "";
        if (own is not null)
        {
            try
            {
                FileTrust.CreateFolder(own);
                if (new DirectoryInfo(own).LinkTarget is null && FileTrust.FindFolderDoubt(own) is null)
                {
                    return own;
                }

                failure = $", and {Path.GetFileName(own)} in it is no folder of this user's alone";
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                failure = $", and no folder of this user's own can be made in it ({error.Message})";
            }
        }

        throw new OptionException(
            $"The cache folder {folder} is not safe to take weights from: {doubt}{failure}. Give it to the user of this process and take the right to write from others (chmod go-w), or name another cache folder with {FolderOption}.");
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

            bool isOther = heading is not null && !PreparedWeightsFormat.IsKnown(heading.Version);
            if (isWanted)
            {
                _warn?.Invoke($"{path}: these prepared weights are not used, since they are {(isOther ? Versions(heading!) : "damaged")}; they are made again from the checkpoint.");
            }
            else if (isOther && heading!.IsOf(origin))
            {
                _warn?.Invoke($"{file.FullName}: these prepared weights are not used, since they are {Versions(heading)}; they are made again from the checkpoint, beside them. Delete them where no other version needs them.");
            }
        }

        static string Versions(PreparedWeightsFormat.Heading heading) =>
            $"of format version {heading.Version}, and this version of the library reads {PreparedWeightsFormat.Versions}";
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
        foreach (FileInfo left in new DirectoryInfo(_folder).EnumerateFiles("*.weights.*.tmp"))
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
}
