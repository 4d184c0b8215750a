using System.Globalization;

namespace SpecDecode.Limits;

/// <summary>
/// What Linux's control groups allow this process, as a container's engine sets them: version 2 or 1, the least of its own group and those
/// above it. What cannot be read limits nothing.
/// </summary>
/// <param name="Quota">Processors' worth of time in each period; null for no limit.</param>
/// <param name="MemoryBytes">Memory, also where reaching it only slows the group down (<c>memory.high</c>); null for no limit.</param>
internal sealed record ControlGroup(double? Quota, long? MemoryBytes)
{
    // Version 1 says no limit with the largest number of whole pages.
    private const long Unlimited = 1L << 60;

    /// <summary>Reads the limits of this process.</summary>
    /// <param name="root">The folder in which proc lies.</param>
    public static ControlGroup Read(string root)
    {
        double? quota = null;
        long? memory = null;
        string[][] groups = [.. Lines(Path.Combine(root, "proc/self/cgroup")).Select(line => line.Split(':', 3)).Where(fields => fields.Length == 3)];
        foreach (Hierarchy hierarchy in Lines(Path.Combine(root, "proc/self/mountinfo")).Select(Hierarchy.Parse).OfType<Hierarchy>())
        {
            foreach (string folder in hierarchy.Folders(root, groups))
            {
                quota = Least(quota, hierarchy.IsUnified ? UnifiedQuota(folder) : Quota1(folder));
                memory = hierarchy.IsUnified
                    ? Least(memory, Least(Bytes(folder, "memory.max"), Bytes(folder, "memory.high")))
                    : Least(memory, Bytes(folder, "memory.limit_in_bytes"));
            }
        }

        return new ControlGroup(quota, memory);
    }

    private static double? UnifiedQuota(string folder) =>
        Lines(Path.Combine(folder, "cpu.max")).FirstOrDefault()?.Split(' ') is [var time, var period] ? Share(time, period) : null;

    private static double? Quota1(string folder) => Share(
        Lines(Path.Combine(folder, "cpu.cfs_quota_us")).FirstOrDefault(), Lines(Path.Combine(folder, "cpu.cfs_period_us")).FirstOrDefault());

    private static double? Share(string? time, string? period) =>
        Number(time) is { } microseconds and > 0 && Number(period) is { } each and > 0 ? (double)microseconds / each : null;

    private static long? Bytes(string folder, string file) =>
        Number(Lines(Path.Combine(folder, file)).FirstOrDefault()) is { } bytes and > 0 and < Unlimited ? bytes : null;

    private static long? Number(string? text) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number : null;

    private static T? Least<T>(T? one, T? other)
        where T : struct, IComparable<T> => one is not { } first ? other : other is not { } second || first.CompareTo(second) <= 0 ? one : other;

    private static string[] Lines(string file)
    {
        try
        {
            // Not every group has all of these files, and an exception takes as long as reading a hundred of them.
            return File.Exists(file) ? File.ReadAllLines(file) : [];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>A hierarchy of groups where it is mounted.</summary>
    /// <param name="Group">The group that the mount begins with.</param>
    /// <param name="MountPoint">Where it is mounted.</param>
    /// <param name="Controllers">Of version 1 the controllers that it has; null for version 2.</param>
    private sealed record Hierarchy(string Group, string MountPoint, string[]? Controllers)
    {
        public bool IsUnified => Controllers is null;

        /// <summary>The hierarchy of a line of mountinfo; null for a mount of another kind.</summary>
        public static Hierarchy? Parse(string line)
        {
            string[] fields = line.Split(' ');
            int dash = Array.IndexOf(fields, "-");
            return dash < 5 || fields.Length < dash + 4 ? null
                : fields[dash + 1] == "cgroup2" ? new Hierarchy(fields[3], Unescaped(fields[4]), null)
                : fields[dash + 1] == "cgroup" ? new Hierarchy(fields[3], Unescaped(fields[4]), fields[dash + 3].Split(','))
                : null;
        }

        /// <summary>The folder of the process's group and those above it, as far as they can be seen.</summary>
        public IEnumerable<string> Folders(string root, string[][] groups)
        {
            string? group = groups.FirstOrDefault(fields => IsUnified ? fields[0] == "0" : fields[1].Length > 0 && fields[1].Split(',').Any(Controllers!.Contains))?[2];
            if (group is null)
            {
                yield break;
            }

            string top = Path.Combine(root, MountPoint.TrimStart('/'));

            // A mount that shows a part of the groups begins with that; a group outside of it counts as the mount's own.
            string below = Group == "/" ? group : group == Group || group.StartsWith(Group + "/", StringComparison.Ordinal) ? group[Group.Length..] : "";
            string[] names = below.Split('/', StringSplitOptions.RemoveEmptyEntries);
            for (int length = names.Contains("..") ? 0 : names.Length; length >= 0; length--)
            {
                yield return Path.Combine([top, .. names[..length]]);
            }
        }

        private static string Unescaped(string path) => path.Replace("\\040", " ", StringComparison.Ordinal);
    }
}
