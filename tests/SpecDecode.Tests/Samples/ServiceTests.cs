using System.Diagnostics;
using System.Net;
using System.Text.Json;
using SpecDecode.Tests.Diagnostics;

namespace SpecDecode.Tests.Samples;

/// <summary>samples/Service as whoever starts it meets it.</summary>
public sealed class ServiceTests
{
    private static readonly object[] Bodies =
    [
        new { prompt = "Once upon a time", maxTokens = 60 },
        new { prompt = "One day a dog", maxTokens = 40, draftLength = 7 },
        new { prompt = "A cat", maxTokens = 30, draftLength = 0 },
        new { prompt = "A bird", maxTokens = 50, temperature = 0.8, topP = 0.9, seed = 3 },
    ];

    // Most of a second: at this temperature the model finds no end.
    private static readonly object LongText = new { prompt = "Once upon a time", maxTokens = 500, draftLength = 0, temperature = 5, seed = 6 };

    [Fact]
    public async Task A_scrape_is_the_sum_of_the_streams_and_a_client_that_leaves_gives_its_memory_back()
    {
        await using ServiceProcess service = await ServiceProcess.StartAsync("--SpecDecode:Runtime:Threads=1");
        foreach (string check in (string[])["live", "ready"])
        {
            using HttpResponseMessage health = await service.Client.GetAsync(new Uri($"/health/{check}", UriKind.Relative), TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, health.StatusCode);
        }

        Scrape first = await Read(service);

        // Those of calibrations come with the first one, of which there is none in a service.
        string[] counters = [.. TelemetryPage.Metrics.Where(row => row.Type == "counter" && !row.Prometheus.StartsWith("specdecode_calibration_", StringComparison.Ordinal)).Select(row => row.Prometheus)];
        Assert.All(counters, counter => Assert.True(first.Has(counter), counter));
        Assert.All(counters, counter => Assert.Equal(0, first.Sum(counter)));
        Assert.All(
            ["specdecode_draft_strategy=\"early-exit\"", "specdecode_draft_exit_layer=\"2\"", "specdecode_draft_threshold=\"0.5\"", "specdecode_precision=\"bf16\"", "specdecode_threads=\"1\""],
            label => Assert.Equal(1, first.Sum("specdecode_model_info", label)));
        await Task.Delay(400, TestContext.Current.CancellationToken);

        JsonElement[] statistics = await Task.WhenAll(Bodies.Select(body => Stream(service, body)));
        long Sum(string name) => statistics.Sum(one => one.GetProperty(name).GetInt64());
        Scrape scrape = await Read(service);
        Assert.Equal(Sum("outputTokens"), scrape.Sum("specdecode_output_tokens_total"));
        Assert.Equal(Sum("promptTokens"), scrape.Sum("specdecode_prompt_tokens_total"));
        Assert.Equal(Sum("rounds"), scrape.Sum("specdecode_rounds_total"));
        Assert.Equal(Sum("drafted"), scrape.Sum("specdecode_draft_drafted_tokens_total"));
        Assert.Equal(Sum("evaluated"), scrape.Sum("specdecode_draft_evaluated_tokens_total"));
        Assert.Equal(Sum("accepted"), scrape.Sum("specdecode_draft_accepted_tokens_total"));
        Assert.Equal(Sum("accepted"), scrape.Sum("specdecode_draft_accepted_length_sum"));
        Assert.True(Sum("accepted") > 0);
        for (int position = 0; position < 7; position++)
        {
            Assert.Equal(
                statistics.Sum(one => one.GetProperty("acceptedPerPosition").EnumerateArray().ElementAtOrDefault(position) is { ValueKind: JsonValueKind.Number } count ? count.GetInt64() : 0),
                scrape.Sum("specdecode_draft_accepted_tokens_total", $"specdecode_draft_position=\"{position}\""));
        }

        // The exporter answers from what it has collected for 300 ms.
        await Task.Delay(400, TestContext.Current.CancellationToken);
        Task<HttpResponseMessage>[] left = [.. Enumerable.Range(0, 12).Select(_ => service.Ask(LongText))];

        // A sequence has its cache from when it runs to its end, and a stream is open with its first token.
        for (long wait = Stopwatch.GetTimestamp(); (scrape = await Read(service)).Sum("specdecode_kv_cache_reserved_bytes") == 0;)
        {
            Assert.True(Stopwatch.GetElapsedTime(wait) < TimeSpan.FromSeconds(30), "No request takes a cache.");
        }

        foreach (Task<HttpResponseMessage> response in left)
        {
            (await response).Dispose();
        }

        int requests = Bodies.Length + left.Length;
        long start = Stopwatch.GetTimestamp();
        do
        {
            scrape = await Read(service);
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(30), "The requests do not end.");
        }
        while (scrape.Sum("gen_ai_server_request_duration_seconds_count") < requests);

        Assert.Equal(requests, scrape.Sum("gen_ai_server_request_duration_seconds_count"));
        Assert.True(scrape.Sum("gen_ai_server_request_duration_seconds_count", "specdecode_finish_reason=\"cancelled\"") > 0);
        Assert.Equal(0, scrape.Sum("specdecode_sequences_live"));
        Assert.Equal(0, scrape.Sum("specdecode_kv_cache_reserved_bytes"));
        Assert.Equal(scrape.Sum("specdecode_draft_accepted_length_sum"), scrape.Sum("specdecode_draft_accepted_tokens_total"));

        // The page has the names that the exporter writes, but for those of what the service does not do: a search, a calibration, auto.
        Assert.Equal(
            TelemetryPage.Metrics.Where(row => row.Instrument is not ("specdecode.search.expected_speedup" or "specdecode.search.resting" or "specdecode.draft.choice"))
                .Where(row => !row.Instrument.StartsWith("specdecode.calibration.", StringComparison.Ordinal))
                .Select(row => (row.Prometheus, row.Type)).Order(),
            scrape.Types.Where(type => type.Key.StartsWith("specdecode_", StringComparison.Ordinal) || type.Key.StartsWith("gen_ai_", StringComparison.Ordinal))
                .Select(type => (type.Key, type.Value)).Order());
    }

    [Fact]
    public async Task Bad_requests_and_a_full_queue_are_answered_with_a_sentence()
    {
        await using ServiceProcess service = await ServiceProcess.StartAsync("--SpecDecode:Runtime:MaxSequences=1", "--SpecDecode:Runtime:MaxQueue=0");
        await AssertAnswer(service, new { maxTokens = 3 }, HttpStatusCode.BadRequest, "A request needs one of Prompt, Tokens and Messages, and no other.");
        await AssertAnswer(service, new { prompt = "a", maxTokens = 0 }, HttpStatusCode.BadRequest, "MaxTokens is 0: ask for at least 1.");
        await AssertAnswer(service, new { prompt = "a", topP = 2 }, HttpStatusCode.BadRequest, "Sampling.TopP is 2: give a probability above 0, at most 1 (no limit).");
        await AssertAnswer(service, new { prompt = "a", seeds = 2 }, HttpStatusCode.BadRequest, "The body is wrong at $.seeds: send a JSON object with ");
        await AssertAnswer(service, "text", HttpStatusCode.BadRequest, "The body is wrong: send a JSON object with ");

        // Of several at once one is taken.
        HttpResponseMessage[] answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => service.Ask(LongText)));
        HttpResponseMessage[] refused = [.. answers.Where(answer => answer.StatusCode != HttpStatusCode.OK)];
        Assert.InRange(refused.Length, 1, 5);
        foreach (HttpResponseMessage answer in refused)
        {
            await AssertAnswer(answer, HttpStatusCode.ServiceUnavailable, "1 requests are being answered or wait");
            Assert.Equal(TimeSpan.FromSeconds(1), answer.Headers.RetryAfter?.Delta);
        }

        Assert.Equal(
            refused.Length, (await Read(service)).Sum("specdecode_requests_refused_total", "error_type=\"SpecDecode.Generation.QueueFullException\""));
    }

    [Fact]
    public async Task Messages_are_answered_where_the_model_has_a_chat_template()
    {
        using StoryFolder model = new();
        model.WriteTemplate("{{ bos_token }}{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}");
        await using (ServiceProcess service = await ServiceProcess.StartAsync($"--SpecDecode:Model:Path={model.Path}", "--SpecDecode:Runtime:MaxSequenceLength=64"))
        {
            object hello = new { role = "user", content = "Hello <|endoftext|>" };
            JsonElement chat = await Stream(service, new { messages = new[] { hello }, maxTokens = 5 });
            JsonElement plain = await Stream(service, new { prompt = "user: Hello <|endoftext|>\n", maxTokens = 5 });
            Assert.Equal(plain.GetProperty("promptTokens").GetInt32(), chat.GetProperty("promptTokens").GetInt32());

            object[] many = [.. Enumerable.Repeat(hello, 40)];
            await AssertAnswer(service, new { messages = many, maxTokens = 5 }, HttpStatusCode.BadRequest, "The conversation has ");
            Assert.InRange((await Stream(service, new { messages = many, dropOldest = true, maxTokens = 5 })).GetProperty("droppedMessages").GetInt32(), 30, 39);
            await AssertAnswer(service, new { messages = new[] { new { role = "tool", content = "a" } } }, HttpStatusCode.BadRequest, "A message needs a role (system, user or assistant)");
            await AssertAnswer(service, new { messages = Array.Empty<object>() }, HttpStatusCode.BadRequest, "There are no messages: give one at least.");
        }

        await using ServiceProcess other = await ServiceProcess.StartAsync();
        await AssertAnswer(other, new { messages = new[] { new { role = "user", content = "Hello" } } }, HttpStatusCode.BadRequest, "This model has no chat template that can be used: send a prompt.");
    }

    [Fact]
    public async Task A_service_without_its_model_is_not_ready_and_says_to_come_again()
    {
        await using ServiceProcess service = await ServiceProcess.StartAsync("--SpecDecode:Runtime:LoadInBackground=true", "--SpecDecode:Model:Path=nowhere");
        using HttpResponseMessage health = await service.Client.GetAsync(new Uri("/health/ready", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
        using HttpResponseMessage refused = await AssertAnswer(service, new { prompt = "a" }, HttpStatusCode.ServiceUnavailable, "The model ");
        Assert.Equal(TimeSpan.FromSeconds(5), refused.Headers.RetryAfter?.Delta);
    }

    [Fact]
    public async Task A_service_that_is_asked_to_end_lets_its_streams_finish()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The signal is sent with 'kill', which is not there.");
        await using ServiceProcess service = await ServiceProcess.StartAsync();
        using HttpResponseMessage response = await service.Ask(LongText);
        (string Name, JsonElement Data) last = default;
        bool isAsked = false;
        await foreach ((string Name, JsonElement Data) item in ServiceProcess.Events(response))
        {
            last = item;
            if (!isAsked)
            {
                isAsked = true;
                await service.Terminate();
            }
        }

        Assert.Equal("end", last.Name);
        Assert.Contains(last.Data.GetProperty("finishReason").GetString(), (string[])["length", "stop"]);
        (int code, string error) = await service.WaitForExitAsync();
        Assert.Equal("", error);
        Assert.Equal(0, code);
    }

    [Fact]
    public async Task Streams_that_the_time_to_stop_cuts_short_end_with_the_reason_before_the_server_closes_them()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The signal is sent with 'kill', which is not there.");
        await using ServiceProcess service = await ServiceProcess.StartAsync("--shutdownTimeoutSeconds=1", "--SpecDecode:Drafting:Strategy=none");

        // More than a second can write.
        HttpResponseMessage[] responses = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => service.Ask(LongText)));
        await service.Terminate();
        string?[] reasons = await Task.WhenAll(responses.Select(async response =>
        {
            using (response)
            {
                (string Name, JsonElement Data) last = default;
                await foreach ((string Name, JsonElement Data) item in ServiceProcess.Events(response))
                {
                    last = item;
                }

                Assert.Equal("end", last.Name);
                return last.Data.GetProperty("finishReason").GetString();
            }
        }));
        Assert.Contains("shutdown", reasons);
        (int code, string error) = await service.WaitForExitAsync();
        Assert.Equal(("", 0), (error, code));
    }

    [Fact]
    public async Task Wrong_configuration_ends_the_start_with_a_sentence_and_exit_code_1()
    {
        await using ServiceProcess first = await ServiceProcess.StartAsync("--SpecDecode:Runtime:LoadInBackground=true");
        foreach ((string option, string sentence) in ((string, string)[])[
            ("--SpecDecode:Model:Path=/nowhere", "SpecDecode:Model:Path: /nowhere: does not exist"),
            ("--SpecDecode:Model:Path=Program.cs", "SpecDecode:Model:Path: "),
            ("--SpecDecode:Model:Path=..", "SpecDecode:Model:Path: "),
            ("--SpecDecode:Model:Precision=int5", "SpecDecode:Model:Precision is 'int5': give stored, bf16, fp16, fp32, int8 or int4, or leave it out."),
            ("--SpecDecode:Model:DraftPrecision=fp32", "SpecDecode:Model:DraftPrecision is fp32, and the model's own precision is bf16"),
            ("--SpecDecode:Runtime:Threads=0", "SpecDecode:Runtime:Threads is 0: give 1 to "),
            ("--SpecDecode:Runtime:ExecutionProvider=cuda", "SpecDecode:Runtime:ExecutionProvider is 'cuda', but the application's native ONNX Runtime has no CUDA in it"),
            ("--SpecDecode:Modell=x", "SpecDecode:Modell is no section and no option"),

            ("--SpecDecode:Drafting:ExitLayer=40", "SpecDecode:Drafting:ExitLayer is 40, but the model has 12 layers"),
            ("--SpecDecode:Drafting:Strategy=magic", "SpecDecode:Drafting:Strategy is 'magic': give one of none, auto, early-exit, layer-skip, lookup, swift."),
            ("--Telemetry:Prometheus=maybe", "Failed to convert configuration value 'maybe' at 'Telemetry:Prometheus'"),
            ("--Telemetry:OtlpEndpoint=nowhere", "Telemetry:OtlpEndpoint is 'nowhere': give the address of a collector"),
            ($"--urls={first.Client.BaseAddress}", "Failed to bind to address"),
        ])
        {
            (int code, string error) = await ServiceProcess.RunAsync(option);
            Assert.StartsWith(sentence, error, StringComparison.Ordinal);
            Assert.Single(error.TrimEnd('\n').Split('\n'));
            Assert.Equal(1, code);
        }
    }

    private static async Task<JsonElement> Stream(ServiceProcess service, object body)
    {
        using HttpResponseMessage response = await service.Ask(body);
        List<(string Name, JsonElement Data)> events = [];
        await foreach ((string, JsonElement) item in ServiceProcess.Events(response))
        {
            events.Add(item);
        }

        Assert.All(events[..^1], item => Assert.Equal("token", item.Name));
        Assert.Equal("end", events[^1].Name);
        JsonElement statistics = events[^1].Data.GetProperty("statistics");
        Assert.Equal(events.Count, statistics.GetProperty("outputTokens").GetInt32());
        Assert.Equal(
            statistics.GetProperty("accepted").GetInt64(), events.Count(item => item.Data.GetProperty("source").GetString() == "acceptedDraft"));
        return statistics;
    }

    private static async Task<Scrape> Read(ServiceProcess service) =>
        new(await service.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative), TestContext.Current.CancellationToken));

    private static async Task<HttpResponseMessage> AssertAnswer(ServiceProcess service, object body, HttpStatusCode status, string sentence)
    {
        HttpResponseMessage response = await service.Ask(body);
        await AssertAnswer(response, status, sentence);
        return response;
    }

    private static async Task AssertAnswer(HttpResponseMessage response, HttpStatusCode status, string sentence)
    {
        Assert.Equal(status, response.StatusCode);
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.StartsWith(sentence, JsonElement.Parse(text).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }
}
