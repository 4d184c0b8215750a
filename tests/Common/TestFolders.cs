using System.Runtime.CompilerServices;

namespace SpecDecode.Tests;

/// <summary>Where the tests' data lie.</summary>
internal static class TestFolders
{
    private static readonly Lazy<string> Cache = new(() =>
    {
        string folder = Directory.CreateTempSubdirectory("specdecode-tests-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        return folder;
    });

    /// <summary>A folder for prepared weights, one for this run of the tests.</summary>
    public static string WeightCache => Cache.Value;

    /// <summary>The fixtures: tiny checkpoints and what an independent reference says they compute.</summary>
    public static string Fixtures => Path.Combine(Tests(), "SpecDecode.Tests", "Fixtures");

    /// <summary>The cases of the text library's tests, which the command is held to as well.</summary>
    public static string TextCases => Path.Combine(Tests(), "SpecDecode.Text.Tests");

    /// <summary>The root of the repository.</summary>
    public static string Repository => Path.GetFullPath(Path.Combine(Tests(), ".."));

    /// <summary>The story model that ships.</summary>
    public static string StoryModel => Path.Combine(Repository, "samples", "models", "tales-10m");

    /// <summary>A file or folder of third-party data; the test is skipped where it is not there.</summary>
    public static string External(params string[] path)
    {
        string? root = Environment.GetEnvironmentVariable("SPECDECODE_TEST_DATA");
        Assert.SkipWhen(string.IsNullOrEmpty(root), "SPECDECODE_TEST_DATA is not set: it names the folder that holds 'external'.");
        string full = Path.Combine([root!, "external", .. path]);
        Assert.SkipUnless(Path.Exists(full), $"{full} is not there.");
        return full;
    }

    private static string Tests([CallerFilePath] string thisFile = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(thisFile)!, ".."));
}
