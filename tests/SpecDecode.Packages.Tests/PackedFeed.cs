using System.IO.Compression;
using System.Xml.Linq;

[assembly: AssemblyFixture(typeof(SpecDecode.Tests.Packages.PackedFeed))]

namespace SpecDecode.Tests.Packages;

/// <summary>
/// All packages of this build in a feed, and beside it the place for projects that use them: outside the repository, with a cache of its
/// own for the packages under test and the machine's for all others.
/// </summary>
public sealed class PackedFeed : IAsyncLifetime
{
    internal static string Script => Path.Combine(TestFolders.Repository, "eng", "pack");

    /// <summary>The folder of everything, removed afterwards.</summary>
    public string Root { get; } = Directory.CreateTempSubdirectory("specdecode-packages-").FullName;

    public string Feed => Path.Combine(Root, "feed");

    public async ValueTask InitializeAsync()
    {
        try
        {
            (await PackAsync(Feed)).Succeeded();
            WriteConfiguration();
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(Root, recursive: true);
        return ValueTask.CompletedTask;
    }

    /// <summary>Packs what is built, without building: other tests run from there.</summary>
    internal static Task<Run> PackAsync(string folder, params string[] options) => ChildProcess.RunAsync(
        Path.GetTempPath(), "bash", [Script, folder, "--no-build", $"-p:Configuration={Built.Configuration}", $"-p:RestorePackagesPath={Built.NuGetPackageRoot}", .. options]);

    internal Package Open(string id) => new(Path.Combine(Feed, $"{id}.{Built.Version}.nupkg"));

    private void WriteConfiguration()
    {
        // What earlier runs of anything have left of our packages is not in it.
        string fallback = Directory.CreateDirectory(Path.Combine(Root, "machine")).FullName;
        foreach (DirectoryInfo package in new DirectoryInfo(Built.NuGetPackageRoot).EnumerateDirectories())
        {
            if (!package.Name.StartsWith("specdecode", StringComparison.OrdinalIgnoreCase))
            {
                Directory.CreateSymbolicLink(Path.Combine(fallback, package.Name), package.FullName);
            }
        }

        XElement Add(string key, string value) => new("add", new XAttribute("key", key), new XAttribute("value", value));
        new XElement(
            "configuration",
            new XElement("packageSources", Add("packed", Feed)),
            new XElement("config", Add("globalPackagesFolder", Path.Combine(Root, "packages"))),
            new XElement("fallbackPackageFolders", Add("machine", fallback))).Save(Path.Combine(Root, "nuget.config"));

        // Whatever lies above the temporary folder is none of these projects' business.
        foreach (string name in (string[])["Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props"])
        {
            File.WriteAllText(Path.Combine(Root, name), "<Project />");
        }
    }
}

/// <summary>A package file.</summary>
internal sealed class Package(string path)
{
    /// <summary>The files in it that are the project's: not those of the container's format.</summary>
    public IReadOnlyList<string> Files { get; } = Read(path, zip => zip.Entries.Select(entry => entry.FullName)
        .Where(name => name != "[Content_Types].xml" && !name.StartsWith("_rels/", StringComparison.Ordinal) && !name.StartsWith("package/", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal)
        .ToArray());

    /// <summary>What the package says of itself.</summary>
    public XElement Metadata
    {
        get
        {
            XElement root = XDocument.Parse(Text(Files.Single(file => file.EndsWith(".nuspec", StringComparison.Ordinal)))).Root!;
            return root.Element(root.Name.Namespace + "metadata")!;
        }
    }

    public string? Value(string element) => Metadata.Elements().SingleOrDefault(one => one.Name.LocalName == element)?.Value;

    /// <summary>The packages that it depends on, with the versions that it takes.</summary>
    public IReadOnlyDictionary<string, string> Dependencies => Metadata.Descendants()
        .Where(element => element.Name.LocalName == "dependency")
        .ToDictionary(element => (string)element.Attribute("id")!, element => (string)element.Attribute("version")!);

    public string Text(string file) => Read(path, zip =>
    {
        using StreamReader reader = new(zip.GetEntry(file)!.Open());
        return reader.ReadToEnd();
    });

    public byte[] Bytes(string file) => Read(path, zip =>
    {
        using MemoryStream bytes = new();
        using Stream entry = zip.GetEntry(file)!.Open();
        entry.CopyTo(bytes);
        return bytes.ToArray();
    });

    /// <summary>Writes the files of a folder in it into another one.</summary>
    public void Extract(string folder, string to) => Read(path, zip =>
    {
        foreach (ZipArchiveEntry entry in zip.Entries.Where(entry => entry.FullName.StartsWith(folder, StringComparison.Ordinal)))
        {
            string file = Path.Combine(to, entry.FullName[folder.Length..]);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            entry.ExtractToFile(file);
        }

        return to;
    });

    private static T Read<T>(string path, Func<ZipArchive, T> read)
    {
        Assert.True(File.Exists(path), $"{path} was not packed.");
        using ZipArchive zip = ZipFile.OpenRead(path);
        return read(zip);
    }
}
