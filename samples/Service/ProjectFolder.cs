using System.Runtime.CompilerServices;

namespace Service;

/// <summary>
/// Where this sample lies, so that it finds its appsettings.json and the model from any folder that it is started in: beside the program once
/// it is published, in the project's folder before.
/// </summary>
internal static class ProjectFolder
{
    public static string Find([CallerFilePath] string source = "") =>
        File.Exists(Path.Combine(AppContext.BaseDirectory, "appsettings.json")) ? AppContext.BaseDirectory
        : Path.GetDirectoryName(source) is { } folder && Directory.Exists(folder) ? folder : AppContext.BaseDirectory;
}
