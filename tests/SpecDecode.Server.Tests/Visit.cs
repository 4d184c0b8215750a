using Microsoft.Playwright;

namespace SpecDecode.Tests.Server;

/// <summary>A page that is open, and what the browser complained about.</summary>
internal sealed class Visit : IAsyncDisposable
{
    // A folder for pictures of the page; none are kept without it.
    private const string Pictures = "SPECDECODE_TEST_PICTURES";

    private readonly List<string> _complaints = [];

    public Visit(IPage page)
    {
        Page = page;
        page.Console += (_, message) => Note(message.Type is "error" or "warning" ? message.Text : null);
        page.PageError += (_, error) => Note(error);
        page.Request += (_, request) => Note(new Uri(request.Url).IsLoopback ? null : $"It asks {request.Url}.");
    }

    public IPage Page { get; }

    /// <summary>Neither errors nor refused resources, nor requests to anybody else.</summary>
    public void AssertNoComplaints() => Assert.Empty(_complaints);

    /// <summary>Keeps a picture of the whole page, where pictures are wanted.</summary>
    public async Task SaveAsync(string name)
    {
        if (Environment.GetEnvironmentVariable(Pictures) is { Length: > 0 } folder)
        {
            await Page.ScreenshotAsync(new() { Path = Path.Combine(folder, name), FullPage = true });
        }
    }

    public async ValueTask DisposeAsync() => await Page.CloseAsync();

    private void Note(string? complaint)
    {
        if (complaint is not null)
        {
            _complaints.Add(complaint);
        }
    }
}
