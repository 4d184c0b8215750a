using System.Globalization;

namespace SpecDecode.Limits;

/// <summary>The processors that Linux lets this process run on, and the cores that they are.</summary>
/// <param name="Physical">Physical cores among them; null where the system does not say.</param>
/// <param name="IsRestricted">Whether the machine has processors that the process may not use.</param>
internal sealed record ProcessorCores(int? Physical, bool IsRestricted)
{
    /// <summary>Reads them.</summary>
    /// <param name="root">The folder in which proc and sys lie.</param>
    public static ProcessorCores Read(string root)
    {
        try
        {
            const string Key = "Cpus_allowed_list:";
            int[] allowed = [.. List(File.ReadLines(Path.Combine(root, "proc/self/status")).FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal))?[Key.Length..])];
            string processors = Path.Combine(root, "sys/devices/system/cpu");
            int online = List(File.ReadAllText(Path.Combine(processors, "online"))).Count();
            HashSet<string> cores = [.. allowed.Select(number => File.ReadAllText(Path.Combine(processors, $"cpu{number}/topology/thread_siblings_list")).Trim())];
            return new ProcessorCores(cores.Count > 0 ? cores.Count : null, allowed.Length < online);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException)
        {
            return new ProcessorCores(null, false);
        }
    }

    // As in "0-3,8".
    private static IEnumerable<int> List(string? text)
    {
        foreach (string part in (text ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            int[] bounds = [.. part.Split('-').Select(number => int.Parse(number, CultureInfo.InvariantCulture))];
            for (int number = bounds[0]; number <= bounds[^1]; number++)
            {
                yield return number;
            }
        }
    }
}
