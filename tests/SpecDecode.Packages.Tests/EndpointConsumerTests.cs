using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpecDecode.Tests.Packages;

/// <summary>The standard ways in, made from their pages and the packages alone.</summary>
public sealed class EndpointConsumerTests(PackedFeed feed)
{
    [Fact]
    public async Task The_endpoints_page_is_a_server_that_OpenAIs_clients_can_ask()
    {
        const string page = "src/SpecDecode.AspNetCore/README.md";
        Consumer consumer = new(feed, "Endpoints", "Microsoft.NET.Sdk", [("SpecDecode.AspNetCore", Built.Version), ("Microsoft.ML.OnnxRuntime", Built.OnnxRuntimeVersion)]);
        consumer.Write("Program.cs", Page.Block(page, "csharp"));
        consumer.Write("appsettings.json", Settings(page));
        await consumer.BuildAsync();
        await AskAsync(consumer, ["dotnet", consumer.Program], _ => Task.CompletedTask);
        Assert.Contains(await consumer.ItemsAsync("JsonSchemaSegment"), path => path.Contains("specdecode.aspnetcore", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task The_endpoints_and_the_chat_client_answer_when_they_are_compiled_ahead_of_time()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("SPECDECODE_TEST_LONG") == "1", "It takes minutes: set SPECDECODE_TEST_LONG=1.");
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The compiler is called as on Linux.");
        const string page = "src/SpecDecode.AspNetCore/README.md";
        Consumer consumer = new(
            feed, "NativeEndpoints", "Microsoft.NET.Sdk",
            [("SpecDecode.AspNetCore", Built.Version), ("SpecDecode.Extensions.AI", Built.Version), ("Microsoft.ML.OnnxRuntime", Built.OnnxRuntimeVersion)]);
        consumer.Write("Program.cs", "using Microsoft.AspNetCore.Http;\nusing Microsoft.Extensions.AI;\nusing Microsoft.Extensions.DependencyInjection;\nusing SpecDecode.Extensions.AI;\n" + Page.Block(page, "csharp")
            .Replace("WebApplication app =", "builder.Services.AddSpecDecodeChatClient();\nWebApplication app =", StringComparison.Ordinal)
            .Replace("app.Run();", """
                IChatClient chat = app.Services.GetRequiredService<IChatClient>();
                app.MapGet("/ask", async context => await context.Response.WriteAsync((await chat.GetResponseAsync("Once upon a time", new ChatOptions { MaxOutputTokens = 8 })).Text));
                app.Run();
                """, StringComparison.Ordinal));
        consumer.Write("appsettings.json", Settings(page));
        string folder = Path.Combine(consumer.Folder, "native");
        string runtime = $"linux-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";

        // What the compiler may have left out, or cannot compile, is a warning.
        (await consumer.DotnetAsync("publish", "-c", "Release", "-v", "quiet", "-tl:off", "-warnaserror", "-r", runtime, "-p:PublishAot=true", "-o", folder)).Succeeded();
        Assert.False(File.Exists(Path.Combine(folder, "NativeEndpoints.dll")));
        await AskAsync(consumer, [Path.Combine(folder, "NativeEndpoints")], async client =>
        {
            CancellationToken cancellationToken = TestContext.Current.CancellationToken;
            using HttpResponseMessage response = await client.PostAsync(
                "/v1/responses", new StringContent("""{"input": "Once upon a time", "max_output_tokens": 40, "temperature": 1, "text": {"format": {"type": "json_object"}}}""", Encoding.UTF8, "application/json"), cancellationToken);
            JsonElement answer = await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
            Assert.StartsWith("{", answer.GetProperty("output")[0].GetProperty("content")[0].GetProperty("text").GetString(), StringComparison.Ordinal);
            Assert.NotEmpty(await client.GetStringAsync("/ask", cancellationToken));
        });
    }

    [Fact]
    public async Task The_chat_clients_page_is_a_program_that_tells_a_story()
    {
        const string page = "src/SpecDecode.Extensions.AI/README.md";
        Consumer consumer = new(
            feed, "ChatTeller", "Microsoft.NET.Sdk",
            [("SpecDecode.Extensions.AI", Built.Version), ("Microsoft.Extensions.Hosting", Built.ExtensionsVersion), ("Microsoft.ML.OnnxRuntime", Built.OnnxRuntimeVersion)]);
        consumer.Write("Program.cs", Page.Block(page, "csharp"));
        consumer.Write("appsettings.json", Settings(page));
        await consumer.BuildAsync();
        string output = (await consumer.DotnetAsync(consumer.Program, "--Logging:LogLevel:Default=None")).Succeeded();
        Assert.True(output.Length > 100, output);
    }

    // Starts a server, and asks it what every server of the page answers, and more.
    private static async Task AskAsync(Consumer consumer, string[] command, Func<HttpClient, Task> more)
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        TaskCompletionSource<Uri> listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ChildProcess process = ChildProcess.Start(consumer.Folder, line => Listen(line, listening), command[0], [.. command[1..], "--urls=http://127.0.0.1:0"]);
        Task<Run> end = process.WaitForExitAsync();
        if (await Task.WhenAny(end, listening.Task) == end)
        {
            Assert.Fail($"The server has not started: {await end}");
        }

        using HttpClient client = new() { BaseAddress = await listening.Task, Timeout = TimeSpan.FromMinutes(5) };
        Assert.Equal("Healthy", await client.GetStringAsync("/health/ready", cancellationToken));
        using HttpResponseMessage response = await client.PostAsync(
            "/v1/chat/completions", new StringContent("""{"model": "tales-10m", "max_tokens": 8, "messages": [{"role": "user", "content": "Once upon a time"}]}""", Encoding.UTF8, "application/json"),
            cancellationToken);
        JsonElement answer = await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
        Assert.NotEmpty(answer.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!);
        Assert.True(answer.GetProperty("usage").GetProperty("completion_tokens_details").GetProperty("accepted_prediction_tokens").GetInt32() >= 0);
        await more(client);
    }

    // A page's settings for the story model where it lies.
    private string Settings(string page)
    {
        JsonNode settings = JsonNode.Parse(Page.Block(page, "json"))!;
        JsonNode model = settings["SpecDecode"]!["Model"]!;
        model["Path"] = TestFolders.StoryModel;
        model["CacheFolder"] = Path.Combine(feed.Root, "weights");
        return settings.ToJsonString();
    }

    private static void Listen(string line, TaskCompletionSource<Uri> listening)
    {
        const string words = "Now listening on: ";
        if (line.IndexOf(words, StringComparison.Ordinal) is >= 0 and int start)
        {
            listening.TrySetResult(new Uri(line[(start + words.Length)..].Trim()));
        }
    }
}
