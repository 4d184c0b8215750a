using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using SpecDecode.AspNetCore;
using SpecDecode.Generation;
using SpecDecode.Hosting;

namespace SpecDecode.Tests.Endpoints;

/// <summary>The endpoints in their host: where it listens, its health, its documents and limits.</summary>
public sealed class ServerTests(StoryServer story)
{
    [Fact]
    public async Task A_server_without_keys_does_not_listen_beyond_its_machine_unless_it_is_told_to()
    {
        const string everywhere = "http://0.0.0.0:0";
        InvalidOperationException refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => EndpointServer.StartAsync(new FakeGenerator("Hi"), url: everywhere));
        Assert.Contains("ApiKeys", refusal.Message, StringComparison.Ordinal);
        foreach (Action<SpecDecodeEndpointOptions> allowing in (Action<SpecDecodeEndpointOptions>[])[options => options.AllowAnonymous = true, options => options.ApiKeys = ["key"]])
        {
            await using EndpointServer server = await EndpointServer.StartAsync(new FakeGenerator("Hi"), allowing, url: everywhere);
            Assert.NotNull(server);
        }

        await using EndpointServer local = await EndpointServer.StartAsync(new FakeGenerator("Hi"), url: "http://[::1]:0");
        Assert.NotNull(local);
    }

    [Fact]
    public async Task Wrong_options_end_the_start_with_their_place()
    {
        OptionsValidationException error = await Assert.ThrowsAsync<OptionsValidationException>(() => EndpointServer.StartAsync(builder =>
        {
            builder.Configuration.AddInMemoryCollection([new("SpecDecodeEndpoints:MaxChoices", "0"), new("SpecDecodeEndpoints:ApiKeys:0", " "), new("SpecDecodeEndpoints:JsonWhiteSpace", "7")]);
            builder.Services.AddSingleton<ITextGenerator>(new FakeGenerator("Hi"));
            builder.AddSpecDecodeEndpoints();
        }));
        Assert.Equal(["SpecDecodeEndpoints:ApiKeys has an empty key: give keys that are not, or none.", "SpecDecodeEndpoints:MaxChoices is 0: give 1 to 128.", "SpecDecodeEndpoints:JsonWhiteSpace is 7: give Compact, Spaced, Free."], error.Failures);
    }

    [Fact]
    public async Task Mapping_without_the_services_says_what_is_missing()
    {
        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => EndpointServer.StartAsync(_ => { }));
        Assert.Contains("AddSpecDecodeEndpoints", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_is_live_and_ready_while_models_answer()
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        Assert.Equal("Healthy", await story.Server.Http.GetStringAsync("/health/live", cancellationToken));
        Assert.Equal("Healthy", await story.Server.Http.GetStringAsync("/health/ready", cancellationToken));
        IModelCatalog catalog = story.Server.Services.GetRequiredService<IModelCatalog>();
        Assert.False(Assert.Single(catalog.Models).IsQueueFull);
    }

    [Fact]
    public async Task A_full_queue_is_429_and_degrades_health_until_there_is_room()
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        await using EndpointServer server = await EndpointServer.StartAsync(builder =>
        {
            builder.Configuration.AddInMemoryCollection(StoryServer.Settings(("SpecDecode:Runtime:MaxSequences", "1"), ("SpecDecode:Runtime:MaxQueue", "0"), ("SpecDecode:Drafting:Strategy", "none"), ("SpecDecode:Drafting:ExitLayer", "")));
            builder.AddSpecDecode();
            builder.AddSpecDecodeEndpoints();

            // Of the application's own: they are there once all the same.
            builder.Services.AddHealthChecks().AddSpecDecode();
        });
        using CancellationTokenSource leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        ITextGenerator generator = server.Services.GetRequiredService<ITextGenerator>();
        await using IAsyncEnumerator<GenerationUpdate> holding = generator.GenerateAsync(
            new GenerationRequest { Prompt = "Once", MaxTokens = 1000, IgnoreEndOfSequence = true }, leaving.Token).GetAsyncEnumerator(leaving.Token);
        Assert.True(await holding.MoveNextAsync());
        (int status, JsonElement answer, HttpResponseMessage response) = await server.PostAsync("/v1/completions", """{"prompt": "The dog", "max_tokens": 2}""");
        string health = await server.Http.GetStringAsync("/health/ready", cancellationToken);
        await leaving.CancelAsync();
        Assert.Equal((429, "1", "queue_full"), (status, response.Headers.RetryAfter!.ToString(), answer.GetProperty("error").GetProperty("code").GetString()));
        Assert.Equal("Degraded", health);
        while (await server.Http.GetStringAsync("/health/ready", cancellationToken) != "Healthy")
        {
            await Task.Delay(5, cancellationToken);
        }

        (status, _, _) = await server.PostAsync("/v1/completions", """{"prompt": "The dog", "max_tokens": 2}""");
        Assert.Equal(200, status);
    }

    [Fact]
    public async Task More_texts_than_are_ever_taken_at_a_time_are_the_requests_mistake()
    {
        await using EndpointServer server = await EndpointServer.StartAsync(builder =>
        {
            builder.Configuration.AddInMemoryCollection(StoryServer.Settings(("SpecDecode:Runtime:MaxSequences", "1"), ("SpecDecode:Runtime:MaxQueue", "2")));
            builder.AddSpecDecode();
            builder.AddSpecDecodeEndpoints();
        });
        (string Path, string Body, string Field)[] wrong =
        [
            ("/v1/completions", """{"prompt": "The dog", "max_tokens": 2, "n": 4}""", "n"),
            ("/v1/completions", """{"prompt": "The dog", "max_tokens": 2, "n": 4, "stream": true}""", "n"),
            ("/v1/completions", """{"prompt": ["a", "b"], "max_tokens": 2, "n": 2}""", "n"),
            ("/v1/completions", """{"prompt": ["a", "b", "c", "d"], "max_tokens": 2}""", "prompt"),
            ("/v1/completions", """{"prompt": "The dog", "max_tokens": 2, "best_of": 4}""", "best_of"),
            ("/v1/chat/completions", """{"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2, "n": 4}""", "n"),
        ];
        foreach ((string path, string body, string field) in wrong)
        {
            (int status, JsonElement answer, HttpResponseMessage response) = await server.PostAsync(path, body);
            Assert.Equal((400, field, null), (status, answer.GetProperty("error").GetProperty("param").GetString(), response.Headers.RetryAfter));
            Assert.Contains("takes 3 at a time", answer.GetProperty("error").GetProperty("message").GetString()!, StringComparison.Ordinal);
        }

        foreach (string body in (string[])["""{"prompt": "The dog", "max_tokens": 2, "n": 3}""", """{"prompt": ["a", "b", "c"], "max_tokens": 2}"""])
        {
            (int status, JsonElement answer, _) = await server.PostAsync("/v1/completions", body);
            Assert.Equal((200, 3), (status, answer.GetProperty("choices").GetArrayLength()));
        }

        // The chat client hands over one text at a time; the library's own callers get a sentence at the call.
        ITextGenerator generator = server.Services.GetRequiredService<ITextGenerator>();
        Assert.Equal(3, generator.Model.MaxTexts);
        SpecDecodeException error = Assert.Throws<SpecDecodeException>(
            () => { _ = generator.GenerateAsync(new GenerationRequest { Prompt = "a", Choices = 4 }, TestContext.Current.CancellationToken); });
        Assert.Contains("asks for 4 texts", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_OpenAPI_document_describes_the_endpoints_by_their_own_names()
    {
        await using EndpointServer server = await EndpointServer.StartAsync(
            builder =>
            {
                builder.Services.AddOpenApi();
                builder.Services.AddSingleton<ITextGenerator>(new FakeGenerator("Hi"));
                builder.AddSpecDecodeEndpoints();
            },
            app =>
            {
                app.MapOpenApi();
                app.MapSpecDecode();
                app.MapSpecDecode("/other");
            });
        JsonElement document = await server.Http.GetFromJsonAsync<JsonElement>("/openapi/v1.json", TestContext.Current.CancellationToken);
        JsonElement chat = document.GetProperty("paths").GetProperty("/v1/chat/completions").GetProperty("post");
        Assert.Equal("CreateChatCompletion", chat.GetProperty("operationId").GetString());
        string schema = chat.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("schema").GetProperty("$ref").GetString()!.Split('/')[^1];
        JsonElement properties = document.GetProperty("components").GetProperty("schemas").GetProperty(schema).GetProperty("properties");
        Assert.True(properties.TryGetProperty("max_completion_tokens", out _), properties.GetRawText());
        Assert.True(chat.GetProperty("responses").TryGetProperty("429", out _));
        Assert.True(document.GetProperty("paths").TryGetProperty("/v1/models", out _));
    }

    [Fact]
    public async Task The_frameworks_own_rate_limits_hold()
    {
        await using EndpointServer server = await EndpointServer.StartAsync(
            builder =>
            {
                builder.Services.AddRateLimiter(limiter =>
                {
                    limiter.RejectionStatusCode = 429;
                    limiter.AddFixedWindowLimiter("one", window => (window.PermitLimit, window.Window) = (1, TimeSpan.FromHours(1)));
                });
                builder.Services.AddSingleton<ITextGenerator>(new FakeGenerator("Hi"));
                builder.AddSpecDecodeEndpoints();
            },
            app =>
            {
                app.UseRateLimiter();
                app.MapSpecDecode().RequireRateLimiting("one");
            });
        using HttpResponseMessage first = await server.Http.GetAsync("/v1/models", TestContext.Current.CancellationToken);
        using HttpResponseMessage second = await server.Http.GetAsync("/v1/models", TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.TooManyRequests), (first.StatusCode, second.StatusCode));
    }
}
