namespace SpecDecode.Tests;

/// <summary>A copy of the story model, to lay files beside it; removed with everything in it afterwards.</summary>
internal sealed class StoryFolder : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public StoryFolder()
    {
        foreach (string file in Directory.GetFiles(TestFolders.StoryModel))
        {
            File.Copy(file, _folder.File(System.IO.Path.GetFileName(file)));
        }
    }

    public string Path => _folder.Path;

    public void WriteTemplate(string template) => _folder.Write("chat_template.jinja", template);

    public void Dispose() => _folder.Dispose();
}
