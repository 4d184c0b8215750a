using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OpenAI.Chat;
using SpecDecode.AspNetCore;
using SpecDecode.Extensions.AI;
using SpecDecode.Generation;
using SpecDecode.Hosting;
using ChatResponseFormat = OpenAI.Chat.ChatResponseFormat;

namespace SpecDecode.Tests.Endpoints;

/// <summary>Answers of a form, and calls that must come, written by the story model, which knows nothing of either.</summary>
public sealed class StructuredOutputTests : IAsyncLifetime
{
    private const string Schema = """
        {"type": "object", "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer", "minimum": 0, "maximum": 99}, "pet": {"$ref": "#/$defs/pet"}},
         "required": ["name", "age", "pet"], "additionalProperties": false, "$defs": {"pet": {"enum": ["cat", "dog"]}}}
        """;

    private EndpointServer _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ITextGenerator Generator => _server.Services.GetRequiredService<ITextGenerator>();

    public async ValueTask InitializeAsync() => _server = await EndpointServer.StartAsync(builder =>
    {
        builder.Configuration.AddInMemoryCollection(StoryServer.Settings(("SpecDecode:Model:ChatTemplate", Chats.Tools), ("SpecDecode:MaxTokens", "300")));
        builder.AddSpecDecode();
        builder.AddSpecDecodeEndpoints();
    });

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task An_answer_of_a_schema_is_valid_by_it_whole_and_streamed()
    {
        ChatClient client = _server.Client().GetChatClient("tales-10m");
        ChatCompletionOptions options = new() { ResponseFormat = ChatResponseFormat.CreateJsonSchemaFormat("person", BinaryData.FromString(Schema), jsonSchemaIsStrict: true) };
        OpenAI.Chat.ChatCompletion answer = await client.CompleteChatAsync([new UserChatMessage("Who is Lily?")], options, Cancellation);
        AssertPerson(JsonElement.Parse(answer.Content[0].Text));
        Assert.Equal(OpenAI.Chat.ChatFinishReason.Stop, answer.FinishReason);

        string streamed = "";
        await foreach (StreamingChatCompletionUpdate update in client.CompleteChatStreamingAsync([new UserChatMessage("Who is Lily?")], options, Cancellation))
        {
            streamed += string.Concat(update.ContentUpdate.Select(part => part.Text));
        }

        Assert.Equal(answer.Content[0].Text, streamed);
    }

    [Fact]
    public async Task White_space_and_order_are_as_the_request_says_and_else_as_configured()
    {
        const string Schema = """{"type": "object", "properties": {"a": {"const": 1}, "b": {"const": [2, 3]}}, "required": ["a", "b"], "additionalProperties": false}""";
        Assert.Equal("""{"a": 1, "b": [2, 3]}""", await Write(_server, Schema, ""));
        Assert.Equal("""{"a":1,"b":[2,3]}""", await Write(_server, Schema, """, "json_white_space": "compact" """));
        Assert.Equal([1, 2, 3], Numbers(await Write(_server, Schema, """, "json_white_space": "free" """)));
        Assert.Equal([1, 2, 3], Numbers(await Write(_server, Schema, """, "json_property_order": "free" """)).Order());

        // A least number of properties can be counted in a given order alone: the refusal shows that the order arrives.
        const string Counted = """{"type": "object", "properties": {"a": {"const": 1}, "b": {"const": 2}}, "minProperties": 1, "additionalProperties": false}""";
        Assert.NotNull(await Write(_server, Counted, ""));
        Assert.Null(await Write(_server, Counted, """, "json_property_order": "free" """));

        await using EndpointServer configured = await EndpointServer.StartAsync(builder =>
        {
            builder.Configuration.AddInMemoryCollection(StoryServer.Settings(
                ("SpecDecode:Model:ChatTemplate", Chats.Tools), ("SpecDecodeEndpoints:JsonWhiteSpace", "compact"), ("SpecDecodeEndpoints:JsonPropertyOrder", "Free")));
            builder.AddSpecDecode();
            builder.AddSpecDecodeEndpoints();
        });
        Assert.Equal("""{"a":1,"b":[2,3]}""", await Write(configured, Schema, """, "json_property_order": "as_given" """));
        Assert.Null(await Write(configured, Counted, ""));
        Assert.NotNull(await Write(configured, Counted, """, "json_property_order": "as_given" """));

        // The text; null where the schema is refused.
        static async Task<string?> Write(EndpointServer server, string schema, string more)
        {
            (int status, JsonElement body, _) = await server.PostAsync(
                "/v1/chat/completions", $$$"""{"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 200, "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {{{schema}}}}}{{{more}}}}""");
            if (status != 200)
            {
                Assert.Equal((400, "response_format.json_schema.schema"), (status, body.GetProperty("error").GetProperty("param").GetString()));
                return null;
            }

            return body.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString();
        }

        static IEnumerable<int> Numbers(string? text)
        {
            JsonElement root = JsonElement.Parse(text!);
            return [root.GetProperty("a").GetInt32(), .. root.GetProperty("b").EnumerateArray().Select(number => number.GetInt32())];
        }
    }

    [Fact]
    public async Task Any_object_is_an_object()
    {
        (int status, JsonElement body, _) = await _server.PostAsync("/v1/chat/completions", """{"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 400, "response_format": {"type": "json_object"}}""");
        Assert.Equal(200, status);
        JsonElement choice = body.GetProperty("choices")[0];
        string text = choice.GetProperty("message").GetProperty("content").GetString()!;
        Assert.StartsWith("{", text, StringComparison.Ordinal);
        if (choice.GetProperty("finish_reason").GetString() == "stop")
        {
            Assert.Equal(JsonValueKind.Object, JsonElement.Parse(text).ValueKind);
        }
    }

    [Fact]
    public async Task A_call_that_is_required_comes_with_arguments_of_its_schema()
    {
        ChatTool person = ChatTool.CreateFunctionTool("person", "Notes a person.", BinaryData.FromString(Schema)), nothing = ChatTool.CreateFunctionTool(
            "nothing", null, BinaryData.FromString("""{"type": "object", "properties": {}, "additionalProperties": false}"""));
        ChatClient client = _server.Client().GetChatClient("tales-10m");
        foreach (ChatToolChoice choice in (ChatToolChoice[])[ChatToolChoice.CreateRequiredChoice(), ChatToolChoice.CreateFunctionChoice("person")])
        {
            ChatCompletionOptions options = new() { Tools = { person, nothing }, ToolChoice = choice };
            OpenAI.Chat.ChatCompletion answer = await client.CompleteChatAsync([new UserChatMessage("Who is Lily?")], options, Cancellation);
            ChatToolCall call = Assert.Single(answer.ToolCalls);
            Assert.Equal(OpenAI.Chat.ChatFinishReason.ToolCalls, answer.FinishReason);
            JsonElement arguments = JsonElement.Parse(call.FunctionArguments.ToString());
            if (call.FunctionName == "person")
            {
                AssertPerson(arguments);
            }
            else
            {
                Assert.Equal(("nothing", JsonValueKind.Object, choice), (call.FunctionName, arguments.ValueKind, options.ToolChoice));
            }
        }

        // The one that was named.
        OpenAI.Chat.ChatCompletion named = await client.CompleteChatAsync(
            [new UserChatMessage("Hi")], new ChatCompletionOptions { Tools = { person, nothing }, ToolChoice = ChatToolChoice.CreateFunctionChoice("nothing"), MaxOutputTokenCount = 400 }, Cancellation);
        Assert.True(named.FinishReason == OpenAI.Chat.ChatFinishReason.Length || named.ToolCalls.Single().FunctionName == "nothing");
    }

    [Fact]
    public async Task The_chat_client_holds_answers_to_a_type()
    {
        SpecDecodeChatClient client = new(Generator);
        ChatResponse<Pet> response = await client.GetResponseAsync<Pet>("Who is it?", cancellationToken: Cancellation);
        Assert.True(Enum.IsDefined(response.Result.Kind));
        Assert.NotNull(response.Result.Name);
    }

    [Fact]
    public async Task A_function_that_must_be_invoked_is()
    {
        foreach (ChatToolMode mode in (ChatToolMode[])[ChatToolMode.RequireAny, ChatToolMode.RequireSpecific("Shields")])
        {
            List<string> invoked = [];
            // Numbers are texts of any length, too, by the schemas that the factory makes.
            AIFunction shields = AIFunctionFactory.Create((bool up, PetKind pet) => { invoked.Add($"shields {up} {pet}"); return "done"; }, "Shields");
            using IChatClient client = new ChatClientBuilder(new SpecDecodeChatClient(Generator)).UseFunctionInvocation().Build();
            ChatResponse response = await client.GetResponseAsync("Are birds real?", new ChatOptions { Tools = [shields], ToolMode = mode, MaxOutputTokens = 300 }, Cancellation);
            Assert.NotEmpty(invoked);
            Assert.NotNull(response);
        }
    }

    private static void AssertPerson(JsonElement person)
    {
        Assert.Equal(["age", "name", "pet"], person.EnumerateObject().Select(property => property.Name).Order(StringComparer.Ordinal));
        Assert.InRange(person.GetProperty("age").GetInt32(), 0, 99);
        Assert.InRange(person.GetProperty("name").GetString()!.Length, 0, 12);
        Assert.Contains(person.GetProperty("pet").GetString(), (string[])["cat", "dog"]);
    }

    internal enum PetKind
    {
        Cat,
        Dog,
    }

    internal sealed record Pet(PetKind Kind, string Name);
}
