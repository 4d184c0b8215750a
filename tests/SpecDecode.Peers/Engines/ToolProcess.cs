using System.Diagnostics;
using System.Globalization;

namespace SpecDecode.Peers.Engines;

/// <summary>The command <c>specdecode generate</c>, as a user starts it.</summary>
/// <param name="path">The command.</param>
internal sealed class ToolProcess(string path)
{
    /// <summary>The command where a build of this repository leaves it; null where there is none.</summary>
    public static string? Find()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "SpecDecode.sln")))
        {
            folder = folder.Parent;
        }

        string name = "SpecDecode.Tool" + (OperatingSystem.IsWindows() ? ".exe" : "");
        string? command = folder is null ? null : Path.Combine(folder.FullName, "src", "SpecDecode.Tool", "bin", "Release", "net10.0", name);
        return File.Exists(command) ? command : null;
    }

    /// <summary>From the start of the process to the last of a text of two tokens that it prints.</summary>
    /// <exception cref="SpecDecodeException">It failed.</exception>
    public TimeSpan SecondToken(EngineSettings settings)
    {
        ProcessStartInfo start = new(path)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList =
            {
                "generate", "--model", settings.Model, "--cache-folder", settings.CacheFolder,
                "--precision", settings.Precision.ToString().ToLowerInvariant(),
                "--threads", settings.Threads.ToString(CultureInfo.InvariantCulture),
                "--tokens", string.Join(',', settings.Prompt.Select(token => token.ToString(CultureInfo.InvariantCulture))),
                "--max-tokens", "2", "--ignore-eos", "--quiet",
            },
        };
        byte[] buffer = new byte[4096];
        long begin = Stopwatch.GetTimestamp();
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        TimeSpan last = TimeSpan.Zero;
        while (process.StandardOutput.BaseStream.Read(buffer) > 0)
        {
            last = Stopwatch.GetElapsedTime(begin);
        }

        process.WaitForExit();
        return process.ExitCode == 0
            ? last
            : throw new SpecDecodeException($"{path} generate failed with exit code {process.ExitCode.ToString(CultureInfo.InvariantCulture)}: {error.Result.Trim()}");
    }
}
