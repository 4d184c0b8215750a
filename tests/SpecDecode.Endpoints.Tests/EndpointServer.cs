using System.ClientModel;
using System.ClientModel.Primitives;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenAI;
using SpecDecode.AspNetCore;
using SpecDecode.Generation;

namespace SpecDecode.Tests.Endpoints;

/// <summary>A server on a port of this machine, and its clients.</summary>
internal sealed class EndpointServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private EndpointServer(WebApplication app)
    {
        _app = app;
        string address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        Http = new HttpClient { BaseAddress = new Uri(address), Timeout = TimeSpan.FromMinutes(2) };
    }

    public HttpClient Http { get; }

    public IServiceProvider Services => _app.Services;

    /// <summary>A server whose one model is a generator.</summary>
    public static Task<EndpointServer> StartAsync(ITextGenerator generator, Action<SpecDecodeEndpointOptions>? options = null, Action<WebApplication>? use = null, string url = "http://127.0.0.1:0") =>
        StartAsync(builder => builder.Services.AddSingleton(generator).AddSpecDecodeEndpoints(options), use, url);

    /// <summary>A server of what is added to its builder.</summary>
    public static async Task<EndpointServer> StartAsync(Action<WebApplicationBuilder> build, Action<WebApplication>? use = null, string url = "http://127.0.0.1:0")
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = TestFolders.Repository, EnvironmentName = "Production" });
        builder.Logging.ClearProviders();
        build(builder);
        WebApplication app = builder.Build();
        app.Urls.Add(url);
        app.Use(async (context, next) =>
        {
            try
            {
                await next(context);
            }
            catch (Exception error) when (!context.RequestAborted.IsCancellationRequested)
            {
                // What no endpoint expects: with its trace, which a client does not see.
                Console.Error.WriteLine(error);
                throw;
            }
        });
        if (use is null)
        {
            app.MapSpecDecode();
            app.MapSpecDecodeHealth();
        }
        else
        {
            use(app);
        }

        try
        {
            await app.StartAsync(TestContext.Current.CancellationToken);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }

        return new EndpointServer(app);
    }

    /// <summary>The official client, which tries nothing twice.</summary>
    public OpenAIClient Client(string key = "unused") => new(
        new ApiKeyCredential(key), new OpenAIClientOptions { Endpoint = new Uri(Http.BaseAddress!, "/v1"), RetryPolicy = new ClientRetryPolicy(0) });

    /// <summary>Posts a body as it is, and reads the answer.</summary>
    public async Task<(int Status, JsonElement Body, HttpResponseMessage Response)> PostAsync(string path, string json)
    {
        HttpResponseMessage response = await Http.PostAsync(path, new StringContent(json, Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);
        return ((int)response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken), response);
    }

    /// <summary>Posts a body and reads the events of the answer, without the word that ends them.</summary>
    public async Task<(List<JsonElement> Events, bool IsDone)> StreamAsync(string path, string json)
    {
        HttpResponseMessage response = await Http.PostAsync(path, new StringContent(json, Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, text);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        string[] events = text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.All(events, one => Assert.StartsWith("data: ", one, StringComparison.Ordinal));
        return ([.. events.Where(one => one != "data: [DONE]").Select(one => JsonElement.Parse(one["data: ".Length..]))], events[^1] == "data: [DONE]");
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }
}
