namespace SpecDecode.Weights;

/// <summary>Which folder prepared weights, and what is remembered of checkpoints, lie in.</summary>
internal static class CacheFolder
{
    /// <summary>The option that names it.</summary>
    public static readonly OptionName Option = OptionName.OfModel(nameof(ModelOptions.CacheFolder));

    /// <summary>
    /// <c>specdecode</c> in the user's cache directory: <c>$XDG_CACHE_HOME</c> or <c>~/.cache</c>; on macOS
    /// <c>~/Library/Caches</c>; on Windows <c>%LOCALAPPDATA%</c>.
    /// </summary>
    /// <exception cref="SpecDecodeException">The user has no home directory.</exception>
    public static string Default()
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
            : throw new OptionException($"{Option} is not set, and this user has no cache directory (no home directory, no XDG_CACHE_HOME): name a cache folder for prepared weights.");
    }

    /// <summary>The full path of the folder that is asked for.</summary>
    /// <param name="folder">The folder; null takes <see cref="Default"/>.</param>
    /// <exception cref="SpecDecodeException">It is no path, or the user has no cache directory.</exception>
    public static string Full(string? folder)
    {
        try
        {
            return Path.GetFullPath(folder ?? Default());
        }
        catch (ArgumentException error)
        {
            throw new OptionException($"{Option} is '{folder}', which is no path: name a cache folder for prepared weights, or none for the default.", error);
        }
    }

    /// <summary>The folder itself, or one of this user's own in it where others may write it.</summary>
    /// <param name="folder">A full path.</param>
    /// <exception cref="SpecDecodeException">Others may write it, and there is none of this user's own.</exception>
    public static string Safe(string folder)
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
            $"The cache folder {folder} is not safe to take weights from: {doubt}{failure}. Give it to the user of this process and take the right to write from others (chmod go-w), or name another cache folder with {Option}.");
    }

    /// <summary>The safe folder for what may be remembered and need not be; null where there is none.</summary>
    /// <param name="folder">The folder; null takes <see cref="Default"/>.</param>
    public static string? TryFind(string? folder)
    {
        try
        {
            return Safe(Full(folder));
        }
        catch (OptionException)
        {
            return null;
        }
    }
}
