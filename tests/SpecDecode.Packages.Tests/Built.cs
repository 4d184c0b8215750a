using System.Reflection;

namespace SpecDecode.Tests.Packages;

/// <summary>What the build that these tests belong to knows.</summary>
internal static class Built
{
    public static string Configuration => Get(nameof(Configuration));

    /// <summary>The version of all packages.</summary>
    public static string Version => Get(nameof(Version));

    public static string ExtensionsVersion => Get(nameof(ExtensionsVersion));

    public static string OnnxRuntimeVersion => Get(nameof(OnnxRuntimeVersion));

    public static string OpenTelemetryVersion => Get(nameof(OpenTelemetryVersion));

    /// <summary>The folder in which NuGet keeps the packages that this build uses.</summary>
    public static string NuGetPackageRoot => Get(nameof(NuGetPackageRoot));

    private static string Get(string key) =>
        typeof(Built).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == key).Value!;
}
