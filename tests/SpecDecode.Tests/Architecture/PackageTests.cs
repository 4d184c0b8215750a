using System.Text.Json;

namespace SpecDecode.Tests.Architecture;

/// <summary>What a host gets besides with the library, as the build lists it for one that references nothing else.</summary>
public class PackageTests
{
    [Fact]
    public void A_host_is_free_in_its_version_of_google_protobuf()
    {
        using JsonDocument listed = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "SpecDecode.HostProbe.deps.json")));
        string[] libraries = [.. listed.RootElement.GetProperty("libraries").EnumerateObject().Select(library => library.Name.Split('/')[0])];
        Assert.Superset(new HashSet<string> { "SpecDecode", "SpecDecode.Text", "Microsoft.ML.OnnxRuntime.Managed" }, libraries.ToHashSet());
        Assert.DoesNotContain(libraries, library => library.StartsWith("Google.", StringComparison.Ordinal) || library.StartsWith("Grpc.", StringComparison.Ordinal));
    }
}
