using System.ComponentModel;
using System.Diagnostics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Trace;
using SpecDecode.Extensions.AI;

namespace SpecDecode.Tests.Endpoints;

/// <summary>What stands before a chat client in applications: functions that are invoked, caches, traces, logs.</summary>
public sealed class PipelineTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static MemoryDistributedCache Cache => new(Options.Create(new MemoryDistributedCacheOptions()));

    public static TheoryData<string, string> FunctionCalls => new()
    {
        { "GetSecretNumber", "{}" }, { "Compute", "{\"a\": 42, \"b\": 84}" }, { "GetById", "{}" }, { "GetById", "{\"id\": \"foo\"}" },
        { "GetByPerson", "{\"person\": {\"name\": \"John\", \"age\": 19}}" }, { "AddItems", "{\"items\": [\"bacon\", \"lettuce\"], \"shopperId\": \"Peter\"}" },
    };

    [Theory]
    [MemberData(nameof(FunctionCalls))]
    public async Task Functions_are_invoked_with_their_arguments_and_the_answer_is_of_their_results(string function, string arguments)
    {
        foreach (bool streams in (bool[])[false, true])
        {
            // The answer repeats what the function has said.
            FakeGenerator fake = new(
                request => request.Messages![^1] is { Role: "tool" } result ? $"It is {result.Content}." : $"<tool_call>\n{{\"name\": \"{function}\", \"arguments\": {arguments}}}\n</tool_call>", Chats.Tools);
            using IChatClient client = new ChatClientBuilder(new SpecDecodeChatClient(fake)).UseFunctionInvocation().Build();
            ChatOptions options = new() { Tools = Functions() };
            ChatResponse response = streams
                ? await client.GetStreamingResponseAsync("?", options, Cancellation).ToChatResponseAsync(Cancellation)
                : await client.GetResponseAsync("?", options, Cancellation);
            Assert.Contains(
                (function, arguments) switch
                {
                    ("GetSecretNumber", _) => "42", ("Compute", _) => "3528", ("GetById", "{}") => "-1", ("GetById", _) => "7", ("GetByPerson", _) => "61", _ => "Peter: bacon, lettuce",
                },
                response.Text, StringComparison.Ordinal);
            Assert.Equal(2, fake.Requests.Length);
            string prompt = Chats.Prompt(fake.ChatTokenizer!, fake.Requests[1]);
            Assert.Contains($"<tool_call>{{\"name\": \"{function}\", \"arguments\": {arguments}}}</tool_call>", prompt, StringComparison.Ordinal);
            Assert.Equal(14, response.Usage!.InputTokenCount);
            Assert.True(response.Usage.AdditionalCounts![SpecDecodeCounts.DraftedTokens] > 0);
        }
    }

    [Fact]
    public async Task Several_calls_of_one_answer_are_all_invoked()
    {
        FakeGenerator fake = new(
            request => request.Messages![^1].Role == "tool"
                ? string.Join('+', request.Messages!.Where(message => message.Role == "tool").Select(message => message.Content))
                : "<tool_call>{\"name\": \"GetAge\", \"arguments\": {\"name\": \"Elsa\"}}</tool_call>\n<tool_call>{\"name\": \"GetAge\", \"arguments\": {\"name\": \"Anna\"}}</tool_call>",
            Chats.Tools);
        using IChatClient client = new ChatClientBuilder(new SpecDecodeChatClient(fake)).UseFunctionInvocation().Build();
        ChatResponse response = await client.GetResponseAsync("?", new ChatOptions { Tools = [AIFunctionFactory.Create((string name) => name == "Elsa" ? 21 : 18, "GetAge")] }, Cancellation);
        Assert.Equal("21+18", response.Text);
        string[] ids = [.. fake.Requests[1].Messages!.Where(message => message.Role == "tool").Select(message => message.Fields["tool_call_id"].GetString()!)];
        Assert.Equal(ids, fake.Requests[1].Messages!.Single(message => message.Role == "assistant").Fields["tool_calls"].EnumerateArray().Select(call => call.GetProperty("id").GetString()!));
        Assert.Equal(2, ids.Distinct().Count());
    }

    [Fact]
    public async Task A_call_of_a_function_that_there_is_not_and_one_that_throws_are_told_to_the_model()
    {
        foreach (string name in (string[])["nobody", "throws"])
        {
            FakeGenerator fake = new(request => request.Messages![^1].Role == "tool" ? request.Messages[^1].Content : $"<tool_call>{{\"name\": \"{name}\", \"arguments\": {{}}}}</tool_call>", Chats.Tools);
            using IChatClient client = new ChatClientBuilder(new SpecDecodeChatClient(fake)).UseFunctionInvocation().Build();
            ChatResponse response = await client.GetResponseAsync("?", new ChatOptions { Tools = [AIFunctionFactory.Create(int () => throw new InvalidOperationException("no"), "throws")] }, Cancellation);
            Assert.Contains("Error", response.Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Schemas_of_every_kind_of_parameter_go_through_the_template()
    {
        FakeGenerator fake = new("Hi", Chats.Tools);
        ChatOptions options = new()
        {
            Tools =
            [
                AIFunctionFactory.Create((int? i) => i, "M1"), AIFunctionFactory.Create((string? s = null) => s, "M2"), AIFunctionFactory.Create((decimal d, float f, long l, char c) => d, "M3"),
                AIFunctionFactory.Create((DateTime dt, DateTimeOffset? o, TimeSpan t, DateOnly d, TimeOnly n) => dt, "M4"), AIFunctionFactory.Create((Uri u, Guid g) => g, "M5"),
                AIFunctionFactory.Create((List<int> list, int[] array, Person? person) => list, "M6"), AIFunctionFactory.Create((string a = "x", StringComparison b = StringComparison.Ordinal) => a, "M7"),
            ],
        };
        ChatResponse response = await new SpecDecodeChatClient(fake).GetResponseAsync("Hi", options, Cancellation);
        Assert.Equal("Hi", response.Text);
        string prompt = Chats.Prompt(fake.ChatTokenizer!, fake.Requests[0]);
        Assert.All(options.Tools, tool => Assert.Contains($"\"name\": \"{tool.Name}\"", prompt, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_cache_answers_the_same_question_once()
    {
        int answers = 0;
        FakeGenerator fake = new(_ => $"Answer {++answers}");
        using IChatClient client = new ChatClientBuilder(new SpecDecodeChatClient(fake)).UseDistributedCache(Cache).Build();
        for (int i = 0; i < 3; i++)
        {
            ChatResponse response = await client.GetResponseAsync("Hi", cancellationToken: Cancellation);
            Assert.Equal("Answer 1", response.Text);
            Assert.Equal(7, response.Usage!.InputTokenCount);
            Assert.NotEmpty(response.Usage.AdditionalCounts!);
        }

        Assert.Equal("Answer 2", (await client.GetResponseAsync("Hi!", cancellationToken: Cancellation)).Text);
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal("Answer 3", (await client.GetStreamingResponseAsync("Streamed", cancellationToken: Cancellation).ToChatResponseAsync(Cancellation)).Text);
        }

        Assert.Equal(3, fake.Requests.Length);
    }

    [Theory]
    [InlineData(true, 1, 2)]
    [InlineData(false, 2, 2)]
    public async Task A_cache_before_or_behind_the_functions_saves_calls_of_the_model(bool isBefore, int invocations, int calls)
    {
        int invoked = 0;
        FakeGenerator fake = new(
            request => request.Messages![^1].Role == "tool" ? request.Messages[^1].Content : "<tool_call>{\"name\": \"GetTemperature\", \"arguments\": {}}</tool_call>", Chats.Tools);
        ChatClientBuilder builder = new ChatClientBuilder(new SpecDecodeChatClient(fake))
            .ConfigureOptions(options => options.Tools = [AIFunctionFactory.Create([Description("Gets the temperature")] () => { invoked++; return "58 degrees"; }, "GetTemperature")]);
        using IChatClient client = isBefore
            ? builder.UseDistributedCache(Cache).UseFunctionInvocation().Build()
            : builder.UseFunctionInvocation().UseDistributedCache(Cache).Build();
        string first = (await client.GetResponseAsync("How warm?", cancellationToken: Cancellation)).Text;
        string second = (await client.GetResponseAsync("How warm?", cancellationToken: Cancellation)).Text;
        Assert.Equal(("58 degrees", "58 degrees"), (first, second));
        Assert.Equal((invocations, calls), (invoked, isBefore ? fake.Requests.Length : fake.Requests.Length));
    }

    [Fact]
    public async Task Traces_and_metrics_tell_the_model_and_the_tokens()
    {
        string source = Guid.NewGuid().ToString();
        List<Activity> activities = [];
        using TracerProvider tracer = Sdk.CreateTracerProviderBuilder().AddSource(source).AddInMemoryExporter(activities).Build();
        using IChatClient client = new ChatClientBuilder(new SpecDecodeChatClient(new FakeGenerator("Hi there"))).UseOpenTelemetry(sourceName: source).Build();
        await client.GetResponseAsync("Hi", cancellationToken: Cancellation);
        await client.GetStreamingResponseAsync("Hi", cancellationToken: Cancellation).ToChatResponseAsync(Cancellation);
        Assert.Equal(2, activities.Count);
        Assert.All(activities, activity =>
        {
            Assert.Equal("specdecode", activity.GetTagItem("gen_ai.provider.name"));
            Assert.Equal("fake", activity.GetTagItem("gen_ai.response.model"));
            Assert.Equal(7, Convert.ToInt32(activity.GetTagItem("gen_ai.usage.input_tokens"), global::System.Globalization.CultureInfo.InvariantCulture));
        });
    }

    [Fact]
    public async Task Logs_tell_of_calls()
    {
        using Recorder recorder = new();
        using ILoggerFactory factory = LoggerFactory.Create(logging => logging.AddProvider(recorder).SetMinimumLevel(LogLevel.Trace));
        using IChatClient client = new ChatClientBuilder(new SpecDecodeChatClient(new FakeGenerator("Hi there"))).UseLogging(factory).Build();
        await client.GetResponseAsync("Hi", cancellationToken: Cancellation);
        Assert.Contains(recorder.Lines, line => line.Contains("Hi there", StringComparison.Ordinal));
    }

    private static IList<AITool> Functions() =>
    [
        AIFunctionFactory.Create(() => 42, "GetSecretNumber"), AIFunctionFactory.Create((int a, int b) => a * b, "Compute"),
        AIFunctionFactory.Create((string id = "default") => id == "foo" ? 7 : -1, "GetById"), AIFunctionFactory.Create((Person person) => person.Name == "John" ? 42 + person.Age : -1, "GetByPerson"),
        AIFunctionFactory.Create((string[] items, string shopperId) => $"{shopperId}: {string.Join(", ", items)}", "AddItems"),
    ];

    internal sealed record Person(string Name, int Age = 42);

    private sealed class Recorder : ILoggerProvider, ILogger
    {
        public List<string> Lines { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Lines.Add(formatter(state, exception));

        public void Dispose()
        {
        }
    }
}
