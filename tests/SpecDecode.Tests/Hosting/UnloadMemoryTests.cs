using System.Diagnostics;
using System.Globalization;

namespace SpecDecode.Tests.Hosting;

/// <summary>Memory that a model gives back when it is unloaded, measured on a process of its own.</summary>
public sealed class UnloadMemoryTests
{
    private const int MegabyteInKilobytes = 1024;

    [Fact]
    public async Task A_model_that_comes_and_goes_leaves_no_memory_behind()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere resident memory is counted otherwise.");
        (long Loaded, long Unloaded)[] measured = await Measure();
        Assert.Equal(9, measured.Length);

        // The story model has 20 MB of weights. The first rounds compile code and fill pools, and a single round may meet work of
        // the runtime's own in between; a model that stays would be 20 MB more each time.
        long[] given = [.. measured.Select(round => round.Loaded - round.Unloaded).Order()];
        Assert.True(given[given.Length / 2] > 15 * MegabyteInKilobytes, Text(measured));
        long[] left = [.. measured.Select(round => round.Unloaded)];
        Assert.True(left[^3..].Min() - left[2..5].Min() < 20 * MegabyteInKilobytes, Text(measured));
    }

    private static async Task<(long Loaded, long Unloaded)[]> Measure()
    {
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])[
            Path.Combine(AppContext.BaseDirectory, "SpecDecode.HostProbe.dll"), Path.Combine(TestFolders.Fixtures, "llama_base"), TestFolders.WeightCache, "catalog",
            TestFolders.StoryModel])
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, output + await error);
        return
        [
            .. output.Split('\n').Select(line => line.Split(' ')).Where(words => words[0] == "resident:")
                .Select(words => (long.Parse(words[1], CultureInfo.InvariantCulture), long.Parse(words[2], CultureInfo.InvariantCulture))),
        ];
    }

    private static string Text((long Loaded, long Unloaded)[] measured) => string.Join("; ", measured.Select(round => $"{round.Loaded} kB with it, {round.Unloaded} kB without"));
}
