using System.Runtime.CompilerServices;

namespace Service;

/// <summary>
/// Where this sample's appsettings.json is, so that it and the model are found from any folder that the program is started in: in the
/// project's folder while the program lies below that, else, once it is published, beside the program.
/// </summary>
internal static class ProjectFolder
{
    public static string Find([CallerFilePath] string source = "") =>
        Path.GetDirectoryName(source) is { Length: > 0 } folder && AppContext.BaseDirectory.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal)
            ? folder
            : AppContext.BaseDirectory;
}
