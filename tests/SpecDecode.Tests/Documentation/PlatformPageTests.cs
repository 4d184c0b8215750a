using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using SpecDecode.Generation;
using SpecDecode.Tokenizers;

namespace SpecDecode.Tests.Documentation;

/// <summary>The page on platforms knows every place where the code asks for more than .NET.</summary>
public sealed class PlatformPageTests
{
    private static readonly string Page = File.ReadAllText(Path.Combine(TestFolders.Repository, "docs", "platforms.md"));

    private static IEnumerable<DllImportAttribute> NativeFunctions => new[] { typeof(TextModel), typeof(TextTokenizer), typeof(SpecDecode.Tool.CommandLine) }
        .SelectMany(type => type.Assembly.GetTypes())
        .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
        .Select(method => method.GetCustomAttribute<DllImportAttribute>())
        .OfType<DllImportAttribute>();

    [Fact]
    public void Every_native_function_stands_on_the_page_and_no_other() => Assert.Equal(
        NativeFunctions.Select(function => $"{function.Value}: {function.EntryPoint}").Distinct().Order(StringComparer.Ordinal),
        Regex.Matches(Page, "^\\| `(libc|kernel32|onnxruntime|ucrtbase)`, `([A-Za-z_]+)` \\|", RegexOptions.Multiline)
            .Select(row => $"{row.Groups[1].Value}: {row.Groups[2].Value}").Order(StringComparer.Ordinal));

    [Fact]
    public void Every_native_function_of_this_system_is_there()
    {
        string library = OperatingSystem.IsWindows() ? "kernel32" : "libc";
        DllImportAttribute[] functions = [.. NativeFunctions.Where(function => function.Value == library)];
        Assert.NotEmpty(functions);
        nint handle = NativeLibrary.Load(library, typeof(TextModel).Assembly, DllImportSearchPath.System32);
        Assert.All(functions, function => Assert.True(NativeLibrary.TryGetExport(handle, function.EntryPoint!, out _), function.EntryPoint));
    }

    [Fact]
    public void Every_file_that_asks_which_system_it_runs_on_stands_on_the_page()
    {
        string source = Path.Combine(TestFolders.Repository, "src");
        string[] files = [.. Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj"))
            .Where(file => Regex.IsMatch(File.ReadAllText(file), "OperatingSystem\\.|OSPlatform\\.|LibraryImport|DllImport|\"/(proc|sys|dev)/|PosixSignal"))
            .Select(file => Path.GetFileName(file))];
        Assert.NotEmpty(files);
        Assert.DoesNotContain(files, file => !Page.Contains($"`{file}`", StringComparison.Ordinal));
    }
}
