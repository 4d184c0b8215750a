using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using SpecDecode.Tests.Samples;

#pragma warning disable xUnit1051 // The browser's calls have time limits of their own.

namespace SpecDecode.Tests.Server;

/// <summary>The server's page in a real browser: what is shown is what the server says.</summary>
public sealed class PageTests(Browser browser) : IClassFixture<Browser>
{
    // Holds back the end of an answer until it is stopped, so that a text lasts for as many of the page's looks as a test needs, on the fastest machine too.
    private const string AnswerWithoutEnd = """
        () => {
          const real = window.fetch;
          window.fetch = async (address, options) => {
            const answer = await real(address, options);
            if (address !== 'v1/completions') {
              return answer;
            }

            const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
            const stopped = new Promise((_, fail) => options.signal.addEventListener('abort', () => fail(options.signal.reason)));
            let ended = false;
            return new Response(new ReadableStream({
              async pull(stream) {
                const { done, value } = await (ended ? stopped : reader.read());
                const [text, rest] = done ? ['', ''] : value.split('data: [DONE]');
                ended = rest !== undefined;
                stream.enqueue(text);
              },
            }).pipeThrough(new TextEncoderStream()), answer);
          };
        }
        """;

    private static readonly string[] Kinds = ["accepted_draft", "looked_up", "forced", "correction", "bonus", "plain"];

    [Fact]
    public async Task A_prompt_is_written_in_colours_that_add_up_to_the_servers_counts_and_beside_it_plainly()
    {
        await using ServiceProcess server = await ServiceProcess.StartAsync();
        await using Visit visit = await browser.OpenAsync(server);
        IPage page = visit.Page;
        Task<IResponse> answer = page.WaitForResponseAsync(response => response.Url.EndsWith("/v1/completions", StringComparison.Ordinal));
        await page.GetByLabel("Prompt", new() { Exact = true }).FillAsync("Once upon a time, there was a dog");
        await page.GetByLabel("New tokens").FillAsync("90");
        await page.GetByRole(AriaRole.Button, new() { Name = "Write" }).ClickAsync();
        JsonElement metrics = Metrics(await (await answer).TextAsync());
        await Assertions.Expect(page.Locator("#summary")).ToContainTextAsync("The same text");
        Dictionary<string, int> spans = [];
        foreach (string kind in Kinds)
        {
            spans[kind] = await page.Locator($"#drafted .{kind}").CountAsync();
            Assert.Equal($" {spans[kind]}", await page.Locator($"#count-{kind}").TextContentAsync());
        }

        Assert.Equal(90, spans.Values.Sum());
        Assert.Equal(metrics.GetProperty("num_accepted_draft_tokens").GetInt32(), spans["accepted_draft"]);
        Assert.Equal(90 - 1, spans["accepted_draft"] + metrics.GetProperty("num_spec_steps").GetInt32() + (spans["plain"] - 1));
        Assert.Equal(90, await page.Locator("#plain .plain").CountAsync());
        Assert.Equal(await page.Locator("#drafted").TextContentAsync(), await page.Locator("#plain").TextContentAsync());
        Assert.Equal(metrics.GetProperty("num_spec_tokens").GetInt32(), await page.Locator("#positions tr").CountAsync());
        Assert.Contains("drafted", await page.Locator("#policy").TextContentAsync(), StringComparison.Ordinal);

        // Also for those who see no colours, use no mouse, or hold a telephone.
        await AssertAccessible(page);
        await visit.SaveAsync("page.png");
        await page.SetViewportSizeAsync(360, 740);
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= window.innerWidth"), "The page is wider than a telephone.");
        await AssertAccessible(page);
        await visit.SaveAsync("page-small.png");
        visit.AssertNoComplaints();
    }

    [Fact]
    public async Task What_a_format_forces_is_coloured_as_forced_as_often_as_the_server_counts_it()
    {
        await using ServiceProcess server = await ServiceProcess.StartAsync();
        await using Visit visit = await browser.OpenAsync(server);
        IPage page = visit.Page;
        Task<IResponse> answer = page.WaitForResponseAsync(response => response.Url.EndsWith("/v1/completions", StringComparison.Ordinal));
        await page.GetByLabel("Format").SelectOptionAsync("json_schema");
        await page.GetByRole(AriaRole.Button, new() { Name = "Write" }).ClickAsync();
        JsonElement[] events = Events(await (await answer).TextAsync());
        await Assertions.Expect(page.Locator("#summary")).ToContainTextAsync("The same text");
        (string Source, string Text)[] told = [.. events.SelectMany(one => one.GetProperty("choices").EnumerateArray())
            .SelectMany(choice => choice.TryGetProperty("tokens", out JsonElement tokens) ? tokens.EnumerateArray().ToArray() : [])
            .Select(token => (token.GetProperty("source").GetString()!, token.GetProperty("text").GetString()!))];
        (string Source, string Text)[] shown = [.. (await page.Locator("#drafted .token").EvaluateAllAsync<string[][]>("tokens => tokens.map(token => [token.classList[1], token.textContent])"))
            .Select(token => (token[0], token[1]))];
        Assert.Equal(told, shown);
        int forced = told.Count(token => token.Source == "forced");
        Assert.True(forced > 0);
        Assert.Equal($" {forced}", await page.Locator("#count-forced").TextContentAsync());
        Assert.Equal("rgb(228, 215, 247)", await page.Locator("#drafted .forced").First.EvaluateAsync<string>("token => getComputedStyle(token).backgroundColor"));

        // What is forced is so without drafts too. These texts are the only ones: what the server has counted is what stands on the page.
        string metrics = await server.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative));
        Assert.Equal(forced + await page.Locator("#plain .forced").CountAsync(), Sum(metrics, "specdecode_draft_forced_tokens_total"));
        Assert.Equal(JsonValueKind.Object, JsonElement.Parse(await page.Locator("#drafted").TextContentAsync() ?? "").ValueKind);
        await AssertAccessible(page);
        await visit.SaveAsync("page-schema.png");
        visit.AssertNoComplaints();
    }

    [Fact]
    public async Task While_a_text_is_written_the_page_shows_which_plan_the_policy_has_chosen_how_long_it_drafts_and_why()
    {
        await using ServiceProcess server = await ServiceProcess.StartAsync();
        await using Visit visit = await browser.OpenAsync(server);
        IPage page = visit.Page;
        await Assertions.Expect(page.Locator("#model option")).ToHaveCountAsync(2);
        await page.GetByLabel("Model", new() { Exact = true }).SelectOptionAsync("tales-int4");
        await Assertions.Expect(Figure(page, "Plan")).ToHaveTextAsync("none yet");
        await page.EvaluateAsync(AnswerWithoutEnd);
        await page.GetByLabel("New tokens").FillAsync("150");
        await page.GetByRole(AriaRole.Button, new() { Name = "Write" }).ClickAsync();

        // Before the text has ended.
        await Assertions.Expect(Figure(page, "Reason of the last rounds")).ToContainTextAsync(new System.Text.RegularExpressions.Regex("[1-9]"));
        await Assertions.Expect(Figure(page, "Plan")).Not.ToHaveTextAsync("none yet");
        await Assertions.Expect(page.Locator("#positions meter").First).ToBeVisibleAsync();
        Assert.True(await page.Locator("#go").IsDisabledAsync());

        // Another's text has rounds of the same policy, and the page goes on looking.
        await Assertions.Expect(page.Locator("#drafted .token")).ToHaveCountAsync(150);
        string reason = await Figure(page, "Reason of the last rounds").InnerTextAsync();
        using HttpResponseMessage other = await server.Client.PostAsJsonAsync("/v1/completions", new { model = "tales-int4", prompt = "One day, a dog", max_tokens = 450 });
        Assert.True(other.IsSuccessStatusCode);
        await Assertions.Expect(Figure(page, "Reason of the last rounds")).Not.ToHaveTextAsync(reason);
        await page.Locator("#stop").ClickAsync();
        await Assertions.Expect(page.Locator("#summary")).ToHaveTextAsync("Stopped.");

        // What stands there is what the server's own metrics say.
        await page.GetByLabel("Model", new() { Exact = true }).SelectOptionAsync("tales");
        await Assertions.Expect(Figure(page, "Plan")).ToHaveTextAsync("exit layer 2");
        await page.GetByLabel("Model", new() { Exact = true }).SelectOptionAsync("tales-int4");
        await Assertions.Expect(Figure(page, "Strategy")).ToHaveTextAsync("auto");
        string plan = (await Figure(page, "Plan").InnerTextAsync()).Split(':')[0];
        string line = Assert.Single(
            (await server.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative))).Split('\n'),
            line => line.StartsWith("specdecode_draft_choice{", StringComparison.Ordinal) && line.Contains("\"tales-int4\"", StringComparison.Ordinal) && Value(line) == 1);
        Assert.Contains($"specdecode_draft_plan=\"{plan}\"", line, StringComparison.Ordinal);
        await AssertAccessible(page);
        visit.AssertNoComplaints();

        static ILocator Figure(IPage page, string name) => page.Locator($"#policy dt:text-is('{name}') + dd");
    }

    [Fact]
    public async Task The_keyboard_alone_starts_and_stops_a_text_which_ends_in_the_server_too()
    {
        await using ServiceProcess server = await ServiceProcess.StartAsync("--SpecDecode:Models:tales-int4:Runtime:Threads=1", "--SpecDecode:Models:tales:Runtime:Threads=1");
        await using Visit visit = await browser.OpenAsync(server);
        IPage page = visit.Page;
        await GoOnAfterTheEnd(page);
        await page.GetByLabel("New tokens").FillAsync("1000");
        await page.GetByLabel("Prompt", new() { Exact = true }).FocusAsync();
        for (int i = 0; i < 20 && !await HasFocus("go"); i++)
        {
            await page.Keyboard.PressAsync("Tab");
        }

        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.Locator("#drafted .token").Nth(5)).ToBeVisibleAsync();
        await page.Locator("#stop").FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.Locator("#summary")).ToHaveTextAsync("Stopped.");
        for (int left = 1; left > 0;)
        {
            JsonElement status = JsonElement.Parse(await server.Client.GetStringAsync(new Uri("/status", UriKind.Relative)));
            left = status.GetProperty("models").EnumerateArray().Sum(model => model.GetProperty("figures").GetProperty("live").GetInt32());
        }

        Assert.InRange(await page.Locator("#drafted .token").CountAsync(), 6, 999);
        visit.AssertNoComplaints();

        Task<bool> HasFocus(string id) => page.EvaluateAsync<bool>($"document.activeElement.id === '{id}'");
    }

    [Fact]
    public async Task A_server_that_goes_away_in_the_middle_is_told_and_the_text_until_then_stays()
    {
        ServiceProcess server = await ServiceProcess.StartAsync("--SpecDecode:Models:tales-int4:Runtime:Threads=1", "--SpecDecode:Models:tales:Runtime:Threads=1");
        await using Visit visit = await browser.OpenAsync(server);
        IPage page = visit.Page;
        await GoOnAfterTheEnd(page);
        await page.GetByLabel("New tokens").FillAsync("900");
        await page.GetByRole(AriaRole.Button, new() { Name = "Write" }).ClickAsync();
        await Assertions.Expect(page.Locator("#drafted .token").Nth(5)).ToBeVisibleAsync();
        await server.DisposeAsync();
        await Assertions.Expect(page.Locator("#problem")).Not.ToBeEmptyAsync();
        await Assertions.Expect(page.Locator("#go")).ToBeEnabledAsync();
        Assert.InRange(await page.Locator("#drafted .token").CountAsync(), 6, 899);
        await AssertAccessible(page);
    }

    [Fact]
    public async Task What_the_server_refuses_is_said_and_a_key_is_asked_for_where_one_is_needed()
    {
        await using ServiceProcess server = await ServiceProcess.StartAsync("--SpecDecodeEndpoints:ApiKeys:0=secret");
        await using Visit visit = await browser.OpenAsync(server);
        IPage page = visit.Page;
        await Assertions.Expect(page.Locator("#problem")).ToContainTextAsync("key");
        await page.GetByLabel("API key").FillAsync("secret");
        await page.GetByLabel("API key").BlurAsync();
        await Assertions.Expect(page.Locator("#model option")).ToHaveCountAsync(2);
        await Assertions.Expect(page.Locator("#problem")).ToBeEmptyAsync();
        await page.GetByLabel("Prompt", new() { Exact = true }).FillAsync(string.Concat(Enumerable.Repeat("once upon a time ", 800)));
        await page.GetByRole(AriaRole.Button, new() { Name = "Write" }).ClickAsync();
        await Assertions.Expect(page.Locator("#problem")).ToContainTextAsync("Shorten the prompt");
        await AssertAccessible(page);
        Assert.True(await page.Locator("#go").IsEnabledAsync());
    }

    // A story ends by itself in the blink of an eye: what is to be stopped in the middle goes on until the model's context is full.
    private static Task<IAsyncDisposable> GoOnAfterTheEnd(IPage page) =>
        page.RouteAsync("**/v1/completions", route => route.ContinueAsync(new() { PostData = Encoding.UTF8.GetBytes($"{{\"ignore_eos\":true,{route.Request.PostData![1..]}") }));

    private static async Task AssertAccessible(IPage page)
    {
        AxeResult result = await page.RunAxe();
        Assert.True(
            result.Violations.Length == 0,
            string.Join('\n', result.Violations.Select(violation => $"{violation.Id}: {violation.Help}: {string.Join(", ", violation.Nodes.Select(node => node.Html))}")));
    }

    // Of the stream's last event.
    private static JsonElement Metrics(string stream) => Events(stream).Last(line => line.TryGetProperty("metrics", out _)).GetProperty("metrics").GetProperty("speculative_decoding");

    private static JsonElement[] Events(string stream) =>
        [.. stream.Split('\n').Where(line => line.StartsWith("data: {", StringComparison.Ordinal)).Select(line => JsonElement.Parse(line[6..]))];

    private static double Sum(string metrics, string name) => metrics.Split('\n').Where(line => line.StartsWith(name + "{", StringComparison.Ordinal)).Sum(Value);

    // Of a line of /metrics: what stands behind the labels, before the time.
    private static double Value(string line) =>
        double.Parse(line[(line.LastIndexOf('}') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0], System.Globalization.CultureInfo.InvariantCulture);
}
