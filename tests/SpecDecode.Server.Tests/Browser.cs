using Microsoft.Playwright;
using SpecDecode.Tests.Samples;

namespace SpecDecode.Tests.Server;

/// <summary>A headless Chromium of this machine; tests skip visibly where there is none.</summary>
public sealed class Browser : IAsyncLifetime
{
    private static readonly string[] Places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        if (Array.Find(Places, File.Exists) is not { } program)
        {
            return;
        }

        // So long as a busy machine may take; what is waited for comes at once on any other.
        Assertions.SetDefaultExpectTimeout(30_000);
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = program, Args = ["--no-sandbox"] });
    }

    /// <summary>Opens the page of a server.</summary>
    internal async Task<Visit> OpenAsync(ServiceProcess server)
    {
        Assert.SkipWhen(_browser is null, $"There is no Chromium ({string.Join(", ", Places)}).");
        IPage page = await _browser!.NewPageAsync(new() { ViewportSize = new() { Width = 1100, Height = 1250 }, ReducedMotion = ReducedMotion.Reduce });
        Visit visit = new(page);
        await WaitUntilReady(server);
        await page.GotoAsync(server.Client.BaseAddress!.ToString());
        return visit;
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
    }

    private static async Task WaitUntilReady(ServiceProcess server)
    {
        while (!(await server.Client.GetAsync(new Uri("/health/ready", UriKind.Relative))).IsSuccessStatusCode)
        {
            await Task.Delay(100);
        }
    }
}
