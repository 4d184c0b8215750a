using System.Text.Json;

namespace SpecDecode.Tests.Packages;

/// <summary>A project of somebody who has the packages and nothing else.</summary>
internal sealed class Consumer
{
    private readonly string _framework;

    /// <summary>Writes the project.</summary>
    /// <param name="feed">The packages.</param>
    /// <param name="name">Its name.</param>
    /// <param name="sdk">The SDK: that of console or of web projects.</param>
    /// <param name="packages">The packages that it references.</param>
    /// <param name="framework">The target framework.</param>
    public Consumer(PackedFeed feed, string name, string sdk, IEnumerable<(string Id, string Version)> packages, string framework = "net10.0")
    {
        _framework = framework;
        Name = name;
        Folder = Directory.CreateDirectory(Path.Combine(feed.Root, "projects", name)).FullName;
        string references = string.Concat(packages.Select(package => $"""<PackageReference Include="{package.Id}" Version="{package.Version}" />"""));
        Write($"{name}.csproj", $"""
            <Project Sdk="{sdk}">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>{framework}</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <InvariantGlobalization>true</InvariantGlobalization>
                <NuGetAudit>false</NuGetAudit>
              </PropertyGroup>
              <ItemGroup>{references}</ItemGroup>
            </Project>
            """);
    }

    public string Name { get; }

    public string Folder { get; }

    /// <summary>Where it is built.</summary>
    public string Output => Path.Combine(Folder, "bin", "Release", _framework);

    public string Program => Path.Combine(Output, $"{Name}.dll");

    public void Write(string file, string text) => File.WriteAllText(Path.Combine(Folder, file), text);

    public Task<Run> DotnetAsync(params IEnumerable<string> arguments) => ChildProcess.RunAsync(Folder, "dotnet", arguments);

    /// <summary>Builds it; a warning is an error.</summary>
    public async Task BuildAsync() => (await DotnetAsync("build", "-c", "Release", "-v", "quiet", "-tl:off", "-warnaserror")).Succeeded();

    /// <summary>Files that the build knows by an item's name.</summary>
    public async Task<IReadOnlyList<string>> ItemsAsync(string name)
    {
        string json = (await DotnetAsync("msbuild", $"-getItem:{name}")).Succeeded();
        return [.. JsonElement.Parse(json).GetProperty("Items").GetProperty(name).EnumerateArray().Select(item => item.GetProperty("FullPath").GetString()!)];
    }
}
