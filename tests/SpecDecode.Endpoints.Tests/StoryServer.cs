using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using SpecDecode.AspNetCore;
using SpecDecode.Generation;
using SpecDecode.Hosting;

[assembly: AssemblyFixture(typeof(SpecDecode.Tests.Endpoints.StoryServer))]

namespace SpecDecode.Tests.Endpoints;

/// <summary>The story model, with a plain chat template and drafts from its first layers, behind the endpoints.</summary>
public sealed class StoryServer : IAsyncLifetime
{
    internal EndpointServer Server { get; private set; } = null!;

    internal ITextGenerator Generator => Server.Services.GetRequiredService<ITextGenerator>();

    public async ValueTask InitializeAsync() => Server = await EndpointServer.StartAsync(builder =>
    {
        builder.Configuration.AddInMemoryCollection(Settings());
        builder.AddSpecDecode();
        builder.AddSpecDecodeEndpoints();
    });

    /// <summary>The story model's settings.</summary>
    internal static Dictionary<string, string?> Settings(params (string Key, string? Value)[] more)
    {
        Dictionary<string, string?> settings = new()
        {
            ["SpecDecode:Model:Path"] = TestFolders.StoryModel,
            ["SpecDecode:Model:CacheFolder"] = TestFolders.WeightCache,
            ["SpecDecode:Model:ChatTemplate"] = Chats.Plain,
            ["SpecDecode:Drafting:Strategy"] = "early-exit",
            ["SpecDecode:Drafting:ExitLayer"] = "2",
            ["SpecDecode:MaxTokens"] = "24",
            ["SpecDecode:Runtime:Spinning"] = "false",
        };
        foreach ((string key, string? value) in more)
        {
            settings[key] = value;
        }

        return settings;
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
