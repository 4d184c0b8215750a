using System.Reflection;

namespace SpecDecode.Peers.Engines;

/// <summary>Versions of the peers' packages, which their assemblies do not all tell.</summary>
internal static class PackageVersion
{
    /// <summary>The version that this program was built with.</summary>
    public static string Of(string package) =>
        typeof(PackageVersion).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(metadata => metadata.Key == package).Value!;
}
