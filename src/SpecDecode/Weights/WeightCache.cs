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
    private static readonly TimeSpan Abandoned = TimeSpan.FromDays(1);
    private static readonly TimeSpan LockPoll = TimeSpan.FromMilliseconds(50);

    private readonly string _folder;
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
            throw new SpecDecodeException($"The cache folder '{folder}' is no path: name a folder for prepared weights, or none for the default.", error);
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
            : throw new SpecDecodeException("There is no user cache directory for prepared weights: name a cache folder in the options.");
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
        ImmutableArray<TensorRecipe> recipes = settings.Recipes(description);
        string key = origin.Key(recipes);
        string path = Path.Combine(_folder, $"{description.Family}-{WeightSettings.Name(settings.Precision)}-{key}.weights");
        PreparedWeights? TryOpen(bool warns) => PreparedWeightsFile.TryOpen(
            path, table => PreparedWeightsFile.IsOf(table, key, recipes), progress, cancellationToken, isTrusted: file => IsTrusted(file, path, warns));
        try
        {
            CheckFolder();
            // Whoever replaces a file warns of it, and so once.
            return TryOpen(warns: false) ?? Prepare(
                path, () => TryOpen(warns: true),
                temporary => PreparedWeightsFile.Write(temporary, checkpoint, origin, recipes, progress, cancellationToken, isPrivate: true),
                progress, cancellationToken);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpecDecodeException(
                $"{path}: prepared weights cannot be written or read there ({error.Message}). Free the space or name another cache folder.", error);
        }
    }

    private PreparedWeights Prepare(
        string path, Func<PreparedWeights?> tryOpen, Action<string> write, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
    {
        FileTrust.CreateFolder(_folder);
        using FileStream held = WaitForLock(path + ".lock", progress, cancellationToken);
        if (tryOpen() is { } preparedByAnother)
        {
            return preparedByAnother;
        }

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

    private void CheckFolder()
    {
        if (FileTrust.FindFolderDoubt(_folder) is { } doubt)
        {
            throw new SpecDecodeException(
                $"The cache folder {_folder} is not safe to take weights from: {doubt}. Give it to the user of this process and take the right to write from others (chmod go-w), or name another cache folder.");
        }
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
