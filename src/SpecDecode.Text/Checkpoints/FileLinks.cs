namespace SpecDecode.Checkpoints;

/// <summary>
/// Follows links as the operating system does: from left to right, so that <c>..</c> leads out of the folder that a link
/// leads to, and not out of the one that the link stands in.
/// </summary>
internal static class FileLinks
{
    // As many as Linux follows before it speaks of a loop.
    private const int MostLinks = 40;

    /// <summary>Where a link leads, as it is written in it; null where the path is no link.</summary>
    /// <param name="path">The path.</param>
    public static string? Link(string path) => new FileInfo(path).LinkTarget;

    /// <summary>The path in which no part is a link any more. What does not exist is taken as it is written.</summary>
    /// <param name="path">A path, absolute or not.</param>
    /// <exception cref="CheckpointException">The links lead in a circle.</exception>
    /// <exception cref="IOException">A link cannot be read.</exception>
    public static string Resolve(string path)
    {
        string full = Path.Combine(Environment.CurrentDirectory, path);
        string place = Path.GetPathRoot(full)!;
        Stack<string> ahead = new();
        Push(ahead, full[place.Length..]);
        int links = 0;
        while (ahead.TryPop(out string? part))
        {
            if (part is "" or ".")
            {
                continue;
            }

            if (part == "..")
            {
                place = Path.GetDirectoryName(place) ?? place;
                continue;
            }

            string next = Path.Combine(place, part);
            if (Link(next) is not { } target)
            {
                place = next;
                continue;
            }

            if (++links > MostLinks)
            {
                throw new CheckpointException(path, $"is a link that leads through more than {MostLinks} others or in a circle; download the checkpoint again");
            }

            if (Path.IsPathRooted(target))
            {
                place = Path.GetPathRoot(Path.GetFullPath(target))!;
                target = target[Path.GetPathRoot(target)!.Length..];
            }

            Push(ahead, target);
        }

        return place;
    }

    private static void Push(Stack<string> ahead, string path)
    {
        foreach (string part in path.Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar]).Reverse())
        {
            ahead.Push(part);
        }
    }
}
