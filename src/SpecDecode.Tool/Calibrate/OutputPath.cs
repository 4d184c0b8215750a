using System.Text;

namespace SpecDecode.Tool.Calibrate;

/// <summary>Files that a long command writes in the end: whether that can be is asked at its beginning.</summary>
internal static class OutputPath
{
    /// <summary>Refuses a file that could not be written.</summary>
    /// <param name="option">The option that names it.</param>
    /// <param name="path">The file; null where it is not given.</param>
    /// <exception cref="SpecDecodeException">Its folder is not there, or it is a folder itself.</exception>
    public static void Check(string option, string? path)
    {
        if (path is null)
        {
            return;
        }

        string? folder;
        try
        {
            folder = Path.GetDirectoryName(Path.GetFullPath(path));
        }
        catch (Exception error) when (error is ArgumentException or NotSupportedException or PathTooLongException)
        {
            throw new SpecDecodeException($"{option} is '{path}', which is no path of a file ({error.Message}).", error);
        }

        if (Directory.Exists(path) || !Directory.Exists(folder))
        {
            throw new SpecDecodeException(Directory.Exists(path)
                ? $"{option} is '{path}', which is a folder: name a file in it."
                : $"{option} is '{path}', but the folder '{folder}' is not there: make it, or name another file.");
        }
    }

    /// <summary>Writes a text.</summary>
    /// <exception cref="SpecDecodeException">It cannot be written.</exception>
    public static void Write(string path, string text)
    {
        try
        {
            File.WriteAllText(path, text, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpecDecodeException($"{path}: it cannot be written ({error.Message}): name another file, or free the space.", error);
        }
    }
}
