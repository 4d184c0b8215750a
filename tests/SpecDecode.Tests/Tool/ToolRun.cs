using System.Diagnostics;
using System.Text.Json;
using SpecDecode.Tool;

namespace SpecDecode.Tests.Tool;

/// <summary>What a run of the command left behind.</summary>
internal sealed record ToolRun(int ExitCode, string Output, string Error)
{
    /// <summary>The lines on stderr that are no warnings, nor how far loading is, which a busy machine shows.</summary>
    public string[] Complaints =>
    [
        .. Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => !Expected.Any(
            beginning => line.StartsWith($"specdecode: {beginning}", StringComparison.Ordinal))),
    ];

    private static string[] Expected { get; } = ["warning: ", "checking weights ", "preparing weights ", "creating stages ", "waiting for "];

    /// <summary>The one JSON object on stdout.</summary>
    public JsonElement Json
    {
        get
        {
            using JsonDocument document = JsonDocument.Parse(Output);
            return document.RootElement.Clone();
        }
    }

    public int[] Ints(string key) => [.. Json.GetProperty(key).EnumerateArray().Select(number => number.GetInt32())];

    public static ToolRun Of(params string[] arguments)
    {
        using StringWriter output = new();
        using StringWriter error = new();
        return new ToolRun(CommandLine.Run(arguments, output, error, TestContext.Current.CancellationToken), output.ToString(), error.ToString());
    }

    /// <summary>Runs a command about a model, with the model's own cache folder.</summary>
    public static ToolRun On(FixtureCheckpoint model, string command, params string[] arguments) =>
        Of([command, "--model", model.Folder, "--cache-folder", model.Cache, .. arguments]);

    /// <summary>Starts the command as a process of its own.</summary>
    public static Process Start(params string[] arguments)
    {
        ProcessStartInfo start = new(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList = { Path.Combine(AppContext.BaseDirectory, "SpecDecode.Tool.dll") },
        };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    /// <summary>The command as a shell starts it.</summary>
    public static string Command => $"'{Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet"}' '{Path.Combine(AppContext.BaseDirectory, "SpecDecode.Tool.dll")}'";

    /// <summary>Starts a line of shell script.</summary>
    /// <param name="script">The script.</param>
    /// <param name="arguments">What it knows as <c>$@</c>.</param>
    public static Process StartInShell(string script, params string[] arguments)
    {
        ProcessStartInfo start = new("sh") { RedirectStandardOutput = true, RedirectStandardError = true, ArgumentList = { "-c", script, "sh" } };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    /// <summary>Waits for such a process; it must be fresh, with nothing read yet.</summary>
    public static async Task<ToolRun> End(Process process)
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        Task<string> output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        Task<string> error = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return new ToolRun(process.ExitCode, await output, await error);
    }
}
