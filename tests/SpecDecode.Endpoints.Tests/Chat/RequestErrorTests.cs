using System.ClientModel;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using OpenAI.Chat;
using SpecDecode.AspNetCore;
using SpecDecode.Generation;

namespace SpecDecode.Tests.Endpoints;

/// <summary>What goes wrong is told in OpenAI's form, with the field at fault.</summary>
public sealed class RequestErrorTests
{
    private const string Messages = "\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]";

    [Theory]
    [InlineData("{MESSAGES, \"frobnicate\": 1}", "frobnicate", "unsupported_parameter")]
    [InlineData("{MESSAGES, \"functions\": []}", "functions", "unsupported_parameter")]
    [InlineData("{MESSAGES, \"store\": true}", "store", "unsupported_parameter")]
    [InlineData("{MESSAGES, \"modalities\": [\"audio\"]}", "modalities", "unsupported_parameter")]
    [InlineData("{MESSAGES, \"response_format\": {\"type\": \"grammar\"}}", "response_format", "unsupported_parameter")]
    [InlineData("{MESSAGES, \"response_format\": \"text\"}", "response_format", "unsupported_parameter")]
    [InlineData("{MESSAGES, \"response_format\": {\"type\": \"json_object\"}, \"json_white_space\": \"dense\"}", "json_white_space", null)]
    [InlineData("{MESSAGES, \"response_format\": {\"type\": \"json_object\"}, \"json_property_order\": \"sorted\"}", "json_property_order", null)]
    [InlineData("{MESSAGES, \"json_white_space\": \"compact\"}", "json_white_space", null)]
    [InlineData("{MESSAGES, \"response_format\": {\"type\": \"text\"}, \"json_property_order\": \"free\"}", "json_property_order", null)]
    [InlineData("{MESSAGES, \"response_format\": {\"type\": \"json_schema\", \"json_schema\": {\"name\": \"x\"}}}", "response_format.json_schema.schema", null)]
    [InlineData("{MESSAGES, \"response_format\": {\"type\": \"json_schema\", \"json_schema\": {\"name\": \"x\", \"schema\": {\"uniqueItems\": true}}}}", "response_format.json_schema.schema", null)]
    [InlineData("{MESSAGES, \"reasoning_effort\": \"low\"}", "reasoning_effort", "unsupported_parameter")]
    [InlineData("{MESSAGES, \"drafting\": {\"profile\": \"/etc/passwd\"}}", "drafting.profile", "unsupported_parameter")]
    [InlineData("{MESSAGES, \"stream_options\": {\"include_usage\": true}}", "stream_options", null)]
    [InlineData("{MESSAGES, \"stream\": true, \"stream_options\": {\"x\": true}}", "stream_options.x", "unsupported_parameter")]
    [InlineData("{MESSAGES, \"temperature\": -1}", "temperature", null)]
    [InlineData("{MESSAGES, \"temperature\": 1e39}", "temperature", null)]
    [InlineData("{MESSAGES, \"temperature\": \"hot\"}", "temperature", null)]
    [InlineData("{MESSAGES, \"top_logprobs\": 2}", "top_logprobs", null)]
    [InlineData("{MESSAGES, \"logprobs\": true, \"top_logprobs\": 21}", "top_logprobs", null)]
    [InlineData("{MESSAGES, \"priority\": 3}", "priority", "unsupported_parameter")]
    [InlineData("{MESSAGES, \"top_p\": 0}", "top_p", null)]
    [InlineData("{MESSAGES, \"top_k\": -2}", "top_k", null)]
    [InlineData("{MESSAGES, \"min_p\": 2}", "min_p", null)]
    [InlineData("{MESSAGES, \"top_n_sigma\": -2}", "top_n_sigma", null)]
    [InlineData("{MESSAGES, \"max_tokens\": 0}", "max_tokens", null)]
    [InlineData("{MESSAGES, \"max_completion_tokens\": -1}", "max_completion_tokens", null)]
    [InlineData("{MESSAGES, \"max_tokens\": 1, \"max_completion_tokens\": 2}", "max_tokens", null)]
    [InlineData("{MESSAGES, \"n\": 17}", "n", null)]
    [InlineData("{MESSAGES, \"drafting\": {\"draft_length\": 65}}", "drafting.draft_length", null)]
    [InlineData("{MESSAGES, \"chat_template_kwargs\": {\"messages\": []}}", "chat_template_kwargs.messages", null)]
    [InlineData("{\"messages\": []}", "messages", null)]
    [InlineData("{\"messages\": \"Hi\"}", "messages", null)]
    [InlineData("{}", "messages", null)]
    [InlineData("{\"messages\": [3]}", "messages[0]", null)]
    [InlineData("{\"messages\": [{\"role\": \"user\"}]}", "messages[0].content", null)]
    [InlineData("{\"messages\": [{\"role\": \"king\", \"content\": \"Hi\"}]}", "messages[0].role", null)]
    [InlineData("{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\", \"x\": 1}]}", "messages[0].x", "unsupported_parameter")]
    [InlineData("{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image_url\", \"image_url\": {\"url\": \"data:\"}}]}]}", "messages[0].content[0]", "unsupported_parameter")]
    [InlineData("{MESSAGES, MESSAGES}", "messages", null)]
    [InlineData("{MESSAGES", null, null)]
    [InlineData("{MESSAGES} {}", null, null)]
    [InlineData("[]", null, null)]
    [InlineData("null", null, null)]
    [InlineData("", null, null)]
    [InlineData("{\"messages\": [{\"role\": \"user\", \"content\": \"\\ud800\"}]}", null, null)]
    public async Task A_mistake_is_answered_with_400_and_its_field(string body, string? field, string? code)
    {
        FakeGenerator fake = new("Hi");
        await using EndpointServer server = await EndpointServer.StartAsync(fake);
        (int status, JsonElement answer, _) = await server.PostAsync("/v1/chat/completions", body.Replace("MESSAGES", Messages, StringComparison.Ordinal));
        JsonElement error = answer.GetProperty("error");
        Assert.Equal((400, field, code, "invalid_request_error"), (status, error.GetProperty("param").GetString(), error.GetProperty("code").GetString(), error.GetProperty("type").GetString()));
        Assert.NotEmpty(error.GetProperty("message").GetString()!);
        Assert.DoesNotContain("SpecDecode.", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Empty(fake.Requests);
    }

    [Fact]
    public async Task What_the_engine_refuses_is_400_in_its_words()
    {
        await using EndpointServer server = await EndpointServer.StartAsync(new Refusing(new SpecDecodeException("5000 tokens are too many.")));
        (int status, JsonElement answer, _) = await server.PostAsync("/v1/chat/completions", "{" + Messages + "}");
        Assert.Equal((400, "5000 tokens are too many."), (status, answer.GetProperty("error").GetProperty("message").GetString()));
    }

    public static TheoryData<Exception, int, string?> Failures => new()
    {
        { new QueueFullException("12 requests wait."), 429, "7" },
        { new ModelNotReadyException("/secret/folder is missing"), 503, "5" },
        { new ShuttingDownException("stopping"), 503, "5" },
        { new SpecDecodeException("/secret/folder broke"), 500, null },
    };

    [Theory]
    [MemberData(nameof(Failures), DisableDiscoveryEnumeration = true)]
    public async Task A_failure_has_its_status_and_tells_when_to_try_again(Exception failure, int expected, string? retryAfter)
    {
        await using EndpointServer server = await EndpointServer.StartAsync(new FakeGenerator("Hi") { Error = failure }, options => options.RetryAfterSeconds = 7);
        foreach (string stream in (string[])["", ", \"stream\": true"])
        {
            (int status, JsonElement answer, HttpResponseMessage response) = await server.PostAsync("/v1/chat/completions", "{" + Messages + stream + "}");
            Assert.Equal((expected, retryAfter), (status, response.Headers.RetryAfter?.ToString()));
            Assert.DoesNotContain("secret", answer.GetRawText(), StringComparison.Ordinal);
        }

        ClientResultException error = await Assert.ThrowsAsync<ClientResultException>(() => server.Client().GetChatClient("fake").CompleteChatAsync([new UserChatMessage("Hi")], cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal(expected, error.Status);
    }

    [Fact]
    public async Task A_failure_in_the_middle_of_a_stream_is_its_last_event_and_the_stream_is_not_done()
    {
        await using EndpointServer server = await EndpointServer.StartAsync(new FakeGenerator("One two three") { Error = new SpecDecodeException("broken"), ErrorAfter = 2 });
        foreach ((string path, string body) in ((string, string)[])[("/v1/chat/completions", "{" + Messages + ", \"stream\": true}"), ("/v1/completions", "{\"prompt\": \"a\", \"stream\": true}")])
        {
            (List<JsonElement> events, bool isDone) = await server.StreamAsync(path, body);
            Assert.False(isDone);
            Assert.Equal("server_error", events[^1].GetProperty("error").GetProperty("type").GetString());
        }

        (int status, _, _) = await server.PostAsync("/v1/chat/completions", "{" + Messages + "}");
        Assert.Equal(500, status);
    }

    [Fact]
    public async Task A_text_that_the_services_end_has_cut_off_is_none()
    {
        await using EndpointServer server = await EndpointServer.StartAsync(new FakeGenerator("Hi there") { Reason = FinishReason.Shutdown });
        (int status, _, _) = await server.PostAsync("/v1/chat/completions", "{" + Messages + "}");
        (List<JsonElement> events, bool isDone) = await server.StreamAsync("/v1/chat/completions", "{" + Messages + ", \"stream\": true}");
        Assert.Equal((503, false, "shutting_down"), (status, isDone, events[^1].GetProperty("error").GetProperty("code").GetString()));
    }

    [Fact]
    public async Task A_model_without_a_chat_template_says_what_to_do()
    {
        await using EndpointServer server = await EndpointServer.StartAsync(new FakeGenerator("Hi", template: null));
        (int status, JsonElement answer, _) = await server.PostAsync("/v1/chat/completions", "{" + Messages + "}");
        Assert.Equal((400, "no_chat_template"), (status, answer.GetProperty("error").GetProperty("code").GetString()));
        Assert.Contains("ChatTemplate", answer.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Models_are_listed_and_one_that_is_not_there_is_404()
    {
        await using EndpointServer server = await EndpointServer.StartAsync(new FakeGenerator("Hi"));
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        JsonElement list = await server.Http.GetFromJsonAsync<JsonElement>("/v1/models", cancellationToken);
        Assert.Equal("fake", list.GetProperty("data")[0].GetProperty("id").GetString());
        Assert.Equal(4096, list.GetProperty("data")[0].GetProperty("max_model_len").GetInt32());
        Assert.Equal("fake", server.Client().GetOpenAIModelClient().GetModel("fake", cancellationToken).Value.Id);
        using HttpResponseMessage missing = await server.Http.GetAsync("/v1/models/other/model", cancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
        (int status, JsonElement answer, _) = await server.PostAsync("/v1/chat/completions", "{\"model\": \"other\", " + Messages + "}");
        Assert.Equal((404, "model_not_found"), (status, answer.GetProperty("error").GetProperty("code").GetString()));
    }

    [Fact]
    public async Task Bodies_are_bounded_and_must_be_JSON()
    {
        FakeGenerator fake = new("Hi");
        await using EndpointServer server = await EndpointServer.StartAsync(fake, options => options.MaxRequestBodyBytes = 2048);
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        string large = "{" + Messages + ", \"user\": \"" + new string('x', 4096) + "\"}";
        using HttpResponseMessage declared = await server.Http.PostAsync("/v1/chat/completions", new StringContent(large, Encoding.UTF8, "application/json"), cancellationToken);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, declared.StatusCode);
        Assert.Equal("request_too_large", (await declared.Content.ReadFromJsonAsync<JsonElement>(cancellationToken)).GetProperty("error").GetProperty("code").GetString());

        // Without a length that is told beforehand.
        using HttpRequestMessage chunked = new(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent(large, Encoding.UTF8, "application/json") };
        chunked.Headers.TransferEncodingChunked = true;
        using HttpResponseMessage undeclared = await server.Http.SendAsync(chunked, cancellationToken);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, undeclared.StatusCode);

        using HttpResponseMessage text = await server.Http.PostAsync("/v1/chat/completions", new StringContent("{" + Messages + "}", Encoding.UTF8, "text/plain"), cancellationToken);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, text.StatusCode);
        Assert.Empty(fake.Requests);
    }

    [Fact]
    public async Task With_keys_a_request_needs_one_of_them()
    {
        FakeGenerator fake = new("Hi");
        await using EndpointServer server = await EndpointServer.StartAsync(fake, options => options.ApiKeys = ["first", "second"]);
        Assert.Equal("Hi", (await server.Client("second").GetChatClient("fake").CompleteChatAsync([new UserChatMessage("Hi")], cancellationToken: TestContext.Current.CancellationToken)).Value.Content[0].Text);
        foreach (string? key in (string?[])["", "firs", "first second", null])
        {
            using HttpRequestMessage request = new(HttpMethod.Get, "/v1/models");
            request.Headers.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
            using HttpResponseMessage response = await server.Http.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal((HttpStatusCode.Unauthorized, "Bearer"), (response.StatusCode, response.Headers.WwwAuthenticate.ToString()));
            Assert.Equal("invalid_api_key", (await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("error").GetProperty("code").GetString());
        }

        Assert.Single(fake.Requests);
    }

    [Fact]
    public async Task An_applications_own_endpoints_can_stand_behind_the_same_keys()
    {
        int runs = 0;
        await using EndpointServer server = await EndpointServer.StartAsync(new FakeGenerator("Hi"), options => options.ApiKeys = ["first", "second"], app =>
        {
            app.MapSpecDecode();
            app.MapGet("/own", () => Interlocked.Increment(ref runs)).RequireSpecDecodeKey();
            app.MapGroup("/group").RequireSpecDecodeKey().MapGet("/failing", void () => throw new QueueFullException("It is mine."));
            app.MapGet("/open", () => "open");
        });
        foreach ((string path, string? key, HttpStatusCode status) in ((string, string?, HttpStatusCode)[])
        [
            ("/own", "second", HttpStatusCode.OK), ("/own", "third", HttpStatusCode.Unauthorized), ("/own", null, HttpStatusCode.Unauthorized),
            ("/group/failing", null, HttpStatusCode.Unauthorized), ("/group/failing", "first", HttpStatusCode.InternalServerError), ("/open", null, HttpStatusCode.OK),
        ])
        {
            using HttpRequestMessage request = new(HttpMethod.Get, path);
            request.Headers.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
            using HttpResponseMessage response = await server.Http.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal((path, key, status), (path, key, response.StatusCode));
            if (status == HttpStatusCode.Unauthorized)
            {
                Assert.Equal("Bearer", response.Headers.WwwAuthenticate.ToString());
                Assert.Equal("invalid_api_key", (await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("error").GetProperty("code").GetString());
            }
        }

        Assert.Equal(1, runs);
    }

    [Fact]
    public async Task Endpoints_behind_the_keys_say_what_is_missing_where_nothing_gives_any()
    {
        await using EndpointServer server = await EndpointServer.StartAsync(_ => { }, app => app.MapGet("/own", () => "").RequireSpecDecodeKey());
        using HttpResponseMessage response = await server.Http.GetAsync("/own", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
    }

    /// <summary>Refuses at the call, as the real generator does.</summary>
    private sealed class Refusing(Exception error) : ITextGenerator
    {
        private readonly FakeGenerator _fake = new("");

        public ModelInfo Model => _fake.Model;

        public Tokenizers.TextTokenizer? Tokenizer => _fake.Tokenizer;

        public ChatTemplates.ChatTokenizer? ChatTokenizer => _fake.ChatTokenizer;

        public GenerationDefaults Defaults => _fake.Defaults;

        public IAsyncEnumerable<GenerationUpdate> GenerateAsync(GenerationRequest request, CancellationToken cancellationToken = default) => throw error;

        public Task<GenerationResult> CompleteAsync(GenerationRequest request, CancellationToken cancellationToken = default) => throw error;
    }
}
