using System.Runtime.CompilerServices;

namespace Service;

/// <summary>Where this sample lies, so that it finds its appsettings.json and the model from any folder that it is started in.</summary>
internal static class ProjectFolder
{
    public static string Find([CallerFilePath] string source = "") =>
        Path.GetDirectoryName(source) is { } folder && Directory.Exists(folder) ? folder : AppContext.BaseDirectory;
}
