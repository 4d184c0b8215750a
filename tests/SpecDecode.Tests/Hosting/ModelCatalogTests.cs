using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using SpecDecode.Generation;
using SpecDecode.Hosting;
using SpecDecode.Tests.Generation;

namespace SpecDecode.Tests.Hosting;

/// <summary>Models that come and go while others serve.</summary>
public class ModelCatalogTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_model_is_loaded_in_code_while_the_host_runs_and_unloaded_and_loaded_again()
    {
        await using TestHost host = await Started();
        await host.Catalog.LoadAsync("late", options => Set(options, maxTokens: 3), Cancellation);
        ITextGenerator late = host.Services.GetRequiredKeyedService<ITextGenerator>("late");
        GenerationRequest request = TestHost.Request() with { MaxTokens = null };
        Assert.Equal(3, (await late.CompleteAsync(request, Cancellation)).Tokens.Count);
        await AssertReady(host, HealthStatus.Healthy, "llama_base: ready; late: ready");
        Assert.Equal(
            "The model 'late' is loaded already: IModelCatalog.ReplaceAsync puts another in its place.",
            (await Assert.ThrowsAsync<InvalidOperationException>(() => host.Catalog.LoadAsync("late", options => Set(options, 3), Cancellation))).Message);

        await host.Catalog.UnloadAsync("late", Cancellation);
        Assert.Equal("The model late has been unloaded and has given its memory back", Assert.Single(host.Log.Messages(19)));
        Assert.Equal("The model 'late' is not loaded: load it (IModelCatalog.LoadAsync), or ask another.", Assert.Throws<ModelNotReadyException>(() => late.Model).Message);
        await AssertReady(host, HealthStatus.Healthy, "llama_base: ready; late: not loaded");
        Assert.Equal(8, (await host.Generator.CompleteAsync(TestHost.Request(), Cancellation)).Tokens.Count);
        Assert.Equal("The model 'late' is not loaded.", (await Assert.ThrowsAsync<InvalidOperationException>(() => host.Catalog.UnloadAsync("late", Cancellation))).Message);

        // With the options that it had.
        await host.Catalog.LoadAsync("late", cancellationToken: Cancellation);
        Assert.Equal(3, (await late.CompleteAsync(request, Cancellation)).Tokens.Count);
    }

    [Fact]
    public async Task A_model_that_the_configuration_has_by_now_is_loaded_by_its_name()
    {
        await using TestHost host = await Started();
        Assert.Equal(
            "There is no model of the name 'new'.",
            (await Assert.ThrowsAsync<ModelNotFoundException>(() => host.Catalog.LoadAsync("new", cancellationToken: Cancellation))).Message);
        await Assert.ThrowsAsync<OptionsValidationException>(() => host.Catalog.LoadAsync("wrong", options => options.MaxTokens = 0, Cancellation));
        Assert.Equal([""], host.Catalog.Models.Select(model => model.Key));
        host.Change(NamedModelsTests.Second("new", ("MaxTokens", "0")));
        await AssertReady(host, HealthStatus.Healthy, "llama_base: ready; new: not loaded");
        OptionsValidationException wrong = await Assert.ThrowsAsync<OptionsValidationException>(() => host.Catalog.LoadAsync("new", cancellationToken: Cancellation));
        Assert.Equal("SpecDecode:Models:new:MaxTokens is 0: give 1 or more.", wrong.Message);
        host.Change(("Models:new:MaxTokens", "4"));
        await host.Catalog.LoadAsync("new", cancellationToken: Cancellation);
        ITextGenerator generator = host.Catalog.GetGenerator("new");
        Assert.Equal(4, generator.Defaults.MaxTokens);

        // It follows its section from now on.
        host.Change(("Models:new:MaxTokens", "5"));
        Assert.Equal(5, generator.Defaults.MaxTokens);
    }

    [Fact]
    public async Task Unloading_lets_running_and_waiting_requests_finish_and_takes_no_more()
    {
        await using TestHost host = await Started(("Runtime:MaxSequences", "1"));
        GenerationResult alone = await host.Generator.CompleteAsync(TestHost.Request(30), Cancellation);
        IAsyncEnumerable<GenerationUpdate> unread = host.Generator.GenerateAsync(TestHost.Request(30), Cancellation);
        using Held held = new(host);
        Task<GenerationResult>[] calls = [.. Enumerable.Range(0, 3).Select(_ => host.Generator.CompleteAsync(TestHost.Request(30), Cancellation))];
        await held.Reached;
        Task unloading = host.Catalog.UnloadAsync("", Cancellation);
        await ScriptedService.Eventually(() => host.Catalog.Models[0].State == ModelState.Unloading);
        await Assert.ThrowsAsync<ModelNotReadyException>(() => host.Generator.CompleteAsync(TestHost.Request(), Cancellation));
        await AssertReady(host, HealthStatus.Healthy, null);
        Assert.False(unloading.IsCompleted);
        held.Release();
        await unloading;
        Assert.All(await Task.WhenAll(calls), result => Assert.Equal(alone.Tokens, result.Tokens));
        await Assert.ThrowsAsync<ModelNotReadyException>(async () => await unread.GetAsyncEnumerator(Cancellation).MoveNextAsync());
        await host.Host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task Unloading_in_a_hurry_ends_texts_where_they_are()
    {
        await using TestHost host = await Started();
        using Held held = new(host);
        Task<GenerationResult> running = host.Generator.CompleteAsync(TestHost.Request(500), Cancellation);
        await held.Reached;
        using CancellationTokenSource hurry = new();
        Task unloading = host.Catalog.UnloadAsync("", hurry.Token);
        await hurry.CancelAsync();
        held.Release();
        await unloading;
        Assert.Equal(FinishReason.Shutdown, (await running).FinishReason);
    }

    [Fact]
    public async Task A_replacement_refuses_nobody_and_every_text_is_that_of_one_model()
    {
        await using TestHost host = await Started();
        GenerationResult former = await host.Generator.CompleteAsync(TestHost.Request(40), Cancellation);
        IAsyncEnumerable<GenerationUpdate> unread = host.Generator.GenerateAsync(TestHost.Request(40), Cancellation);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        Task<List<GenerationResult>>[] callers = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(
            async () =>
            {
                List<GenerationResult> results = [];
                while (!end.IsCancellationRequested)
                {
                    results.Add(await host.Generator.CompleteAsync(TestHost.Request(40), Cancellation));
                }

                return results;
            },
            Cancellation))];
        for (int i = 0; i < 3; i++)
        {
            await host.Catalog.ReplaceAsync("", options => options.Model.Path = i % 2 == 0 ? "llama_tied_bias_f32" : "llama_base", Cancellation);
        }

        GenerationResult latter = await host.Generator.CompleteAsync(TestHost.Request(40), Cancellation);
        await end.CancelAsync();
        List<GenerationResult> all = [.. (await Task.WhenAll(callers)).SelectMany(results => results)];
        Assert.NotEqual(former.Tokens, latter.Tokens);
        Assert.All(all, result => Assert.Equal(result.Tokens[0] == former.Tokens[0] ? former.Tokens : latter.Tokens, result.Tokens));
        Assert.Equal((3, 3), (host.Log.Count(17), host.Log.Count(18)));

        // What was asked for before and is read now is written by what serves now.
        List<int> tokens = [];
        await foreach (GenerationUpdate update in unread)
        {
            tokens.Add(update.Token!.Value);
        }

        Assert.Equal(latter.Tokens, tokens);
    }

    [Fact]
    public async Task A_replacement_that_cannot_be_loaded_leaves_the_former_serving()
    {
        await using TestHost host = await Started();
        GenerationResult former = await host.Generator.CompleteAsync(TestHost.Request(), Cancellation);
        SpecDecodeException error = await Assert.ThrowsAnyAsync<SpecDecodeException>(
            () => host.Catalog.ReplaceAsync("", options => options.Model.Path = "nowhere", Cancellation));
        Assert.Contains("nowhere", error.Message, StringComparison.Ordinal);
        OptionsValidationException wrong = await Assert.ThrowsAsync<OptionsValidationException>(() => host.Catalog.ReplaceAsync("", options => options.MaxTokens = 0, Cancellation));
        Assert.Equal("SpecDecode:MaxTokens is 0: give 1 or more.", wrong.Message);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => host.Catalog.ReplaceAsync("", null, new CancellationToken(canceled: true)));

        // It follows its own options still, and not those that were to come.
        await Assert.ThrowsAnyAsync<SpecDecodeException>(() => host.Catalog.ReplaceAsync("", options => (options.Model.Path, options.MaxTokens) = ("nowhere", 77), Cancellation));
        host.Change(("Sampling:TopK", "5"));
        Assert.Equal((5, 128), (host.Generator.Defaults.Sampling.TopK, host.Generator.Defaults.MaxTokens));
        Assert.Equal(ModelState.Ready, host.Catalog.Models[0].State);
        Assert.Equal(former.Tokens, (await host.Generator.CompleteAsync(TestHost.Request(), Cancellation)).Tokens);
        await AssertReady(host, HealthStatus.Healthy, null);
    }

    [Fact]
    public async Task A_model_that_fails_to_come_degrades_the_host_and_says_why_and_can_be_loaded_rightly()
    {
        await using TestHost host = await Started();
        await Assert.ThrowsAnyAsync<SpecDecodeException>(() => host.Catalog.LoadAsync("late", options => options.Model.Path = "nowhere", Cancellation));
        ModelStatus status = host.Catalog.Models[1];
        Assert.Equal(("late", ModelState.Failed), (status.Key, status.State));
        Assert.StartsWith("late: failed (", status.ToString(), StringComparison.Ordinal);
        HealthReport report = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Cancellation);
        Assert.Equal(HealthStatus.Degraded, report.Status);
        Assert.StartsWith("The model late has failed: ", report.Entries["specdecode-ready"].Description, StringComparison.Ordinal);
        Assert.Equal(HealthStatus.Healthy, report.Entries["specdecode-live"].Status);
        Assert.Null(report.Entries["specdecode-ready"].Exception);
        await Assert.ThrowsAnyAsync<SpecDecodeException>(() => host.Catalog.GetGenerator("late").WhenReadyAsync(Cancellation));

        await host.Catalog.LoadAsync("late", options => Set(options, 3), Cancellation);
        await AssertReady(host, HealthStatus.Healthy, "llama_base: ready; late: ready");
        await host.Catalog.GetGenerator("late").WhenReadyAsync(Cancellation);
    }

    [Fact]
    public async Task A_loading_is_cancelled_by_its_token_by_unloading_and_by_the_hosts_end()
    {
        await using TestHost host = await Started();
        foreach (string by in (string[])["token", "unload", "stop"])
        {
            using CancellationTokenSource token = new();
            using ManualResetEventSlim loading = new();
            using ManualResetEventSlim reached = new();
            host.Log.OnEvent = id =>
            {
                if (id == 1)
                {
                    reached.Set();
                    loading.Wait(Cancellation);
                }
            };
            Task load = host.Catalog.LoadAsync("late", options => Set(options, 3), token.Token);
            reached.Wait(Cancellation);
            Assert.Equal(ModelState.Loading, host.Catalog.Models[1].State);
            Task end = by switch
            {
                "token" => token.CancelAsync(),
                "unload" => host.Catalog.UnloadAsync("late", Cancellation),
                _ => host.Host.StopAsync(Cancellation),
            };
            if (by == "token")
            {
                // Whoever listens to a token is told on another thread; the others have ended the loading when they come back.
                await end;
            }

            loading.Set();
            await end;
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => load);
            Assert.DoesNotContain(host.Catalog.Models, model => model.Key == "late");
        }

        Assert.Equal(1, host.Log.Count(2));
        await Assert.ThrowsAsync<ShuttingDownException>(() => host.Catalog.LoadAsync("late", options => Set(options, 3), Cancellation));
        await Assert.ThrowsAsync<ShuttingDownException>(() => host.Generator.WhenReadyAsync(Cancellation));
    }

    [Fact]
    public async Task Two_models_of_one_folder_need_names_of_their_own_for_telemetry()
    {
        await using TestHost host = await Started();
        SpecDecodeException error = await Assert.ThrowsAsync<SpecDecodeException>(() => host.Catalog.LoadAsync(
            "late",
            options =>
            {
                Set(options, 3);
                options.Model.Name = "llama_base";
            },
            Cancellation));
        Assert.Equal("Model 'late', Model:Name: another model of this host is called 'llama_base' in metrics and logs already: give this one a name of its own.", error.Message);

        // What was refused is no model of the host.
        Assert.Equal([""], host.Catalog.Models.Select(model => model.Key));

        // A name is free again when its model has gone.
        await host.Catalog.UnloadAsync("", Cancellation);
        await host.Catalog.LoadAsync(
            "late",
            options =>
            {
                Set(options, 3);
                options.Model.Name = "llama_base";
            },
            Cancellation);
        Assert.Equal("llama_base", host.Catalog.GetGenerator("late").Model.Name);
    }

    [Fact]
    public async Task Waiting_for_a_model_ends_when_it_answers_and_before_the_start_nothing_can_be_loaded()
    {
        await using TestHost host = new(("Runtime:LoadInBackground", "true"));
        host.Builder.AddSpecDecode();
        await Assert.ThrowsAsync<InvalidOperationException>(() => host.Catalog.LoadAsync("late", options => Set(options, 3), Cancellation));
        using ManualResetEventSlim loading = new();
        host.Log.OnEvent = id =>
        {
            if (id == 1)
            {
                loading.Wait(Cancellation);
            }
        };
        Task ready = host.Generator.WhenReadyAsync(Cancellation);
        using CancellationTokenSource impatient = new();
        Task left = host.Generator.WhenReadyAsync(impatient.Token);
        await host.Host.StartAsync(Cancellation);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        Assert.False(ready.IsCompleted);
        loading.Set();
        await ready;
        Assert.Equal(8, (await host.Generator.CompleteAsync(TestHost.Request(), Cancellation)).Tokens.Count);
    }

    [Fact]
    public async Task A_replacement_that_fails_gives_back_its_name_and_its_share_of_the_memory()
    {
        await using TestHost host = await Started();
        await Assert.ThrowsAnyAsync<SpecDecodeException>(() => host.Catalog.ReplaceAsync("", options => (options.Model.Path, options.Model.Name) = ("nowhere", "other"), Cancellation));
        Assert.Equal("llama_base", host.Catalog.Models[0].Name);
        await host.Catalog.LoadAsync("late", options => { Set(options, 3); options.Model.Name = "other"; }, Cancellation);
        string two = host.Log.Messages(15).Last();
        await host.Catalog.UnloadAsync("", Cancellation);
        await host.Catalog.ReplaceAsync("late", options => { Set(options, 3); options.Model.Name = "other"; }, Cancellation);
        Assert.True(Budget(host.Log.Messages(15).Last()) > 1.9 * Budget(two), two);

        static long Budget(string entry) => long.Parse(entry.Split("keys and values may take ")[1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task A_replacement_with_wrong_options_leaves_a_loading_to_its_end()
    {
        await using TestHost host = new(("Runtime:LoadInBackground", "true"));
        host.Builder.AddSpecDecode();
        using ManualResetEventSlim loading = new();
        host.Log.OnEvent = id =>
        {
            if (id == 1)
            {
                loading.Wait(Cancellation);
            }
        };
        await host.Host.StartAsync(Cancellation);
        await Assert.ThrowsAsync<OptionsValidationException>(() => host.Catalog.ReplaceAsync("", options => options.MaxTokens = 0, Cancellation));
        loading.Set();
        await host.Generator.WhenReadyAsync(Cancellation);
        Assert.Equal(8, (await host.Generator.CompleteAsync(TestHost.Request(), Cancellation)).Tokens.Count);
    }

    [Fact]
    public async Task A_loading_that_ends_before_its_replacement_fails_follows_its_configuration()
    {
        await using TestHost host = new(("Runtime:LoadInBackground", "true"));
        host.Builder.AddSpecDecode();
        using ManualResetEventSlim reached = new();
        using ManualResetEventSlim loading = new();
        host.Log.OnEvent = id =>
        {
            if (id == 2)
            {
                reached.Set();
                loading.Wait(Cancellation);
            }
        };
        await host.Host.StartAsync(Cancellation);
        reached.Wait(Cancellation);
        Task replacing = host.Catalog.ReplaceAsync("", options => options.Model.Path = "nowhere", Cancellation);
        loading.Set();
        await Assert.ThrowsAnyAsync<SpecDecodeException>(() => replacing);
        host.Change(("MaxTokens", "9"));
        Assert.Equal(9, host.Generator.Defaults.MaxTokens);
    }

    [Fact]
    public async Task Unloading_ends_the_loading_of_a_replacement()
    {
        await using TestHost host = await Started();
        using ManualResetEventSlim reached = new();
        using ManualResetEventSlim loading = new();
        host.Log.OnEvent = id =>
        {
            if (id == 1)
            {
                reached.Set();
                loading.Wait(Cancellation);
            }
        };
        Task replacing = host.Catalog.ReplaceAsync("", options => options.MaxTokens = 5, Cancellation);
        reached.Wait(Cancellation);
        Task unloading = host.Catalog.UnloadAsync("", Cancellation);
        loading.Set();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => replacing);
        await unloading;
        Assert.Equal(ModelState.NotLoaded, host.Catalog.Models[0].State);
    }

    [Fact]
    public async Task Readiness_is_as_before_when_a_loading_did_not_come_to_be()
    {
        await using TestHost host = new();
        host.Builder.AddSpecDecode();
        host.Builder.Services.AddHealthChecks().AddSpecDecode();
        await Assert.ThrowsAsync<InvalidOperationException>(() => host.Catalog.LoadAsync("late", options => Set(options, 3), Cancellation));
        await host.Host.StartAsync(Cancellation);
        await AssertReady(host, HealthStatus.Healthy, null);
        await host.Catalog.UnloadAsync("", Cancellation);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => host.Catalog.LoadAsync("", null, new CancellationToken(canceled: true)));
        await AssertReady(host, HealthStatus.Healthy, null);
        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => host.Catalog.LoadAsync("odd", _ => throw new InvalidTimeZoneException(), Cancellation));
        using CancellationTokenSource token = new();
        host.Log.OnEvent = id =>
        {
            if (id == 1)
            {
                token.Cancel();
            }
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => host.Catalog.LoadAsync("new", options => Set(options, 3), token.Token));
        Assert.Equal([""], host.Catalog.Models.Select(model => model.Key));
        Assert.False(host.Catalog.TryGetGenerator("new", out _));
    }

    [Fact]
    public async Task A_log_that_throws_takes_no_model_away_and_keeps_none_from_stopping()
    {
        await using TestHost host = await Started();
        host.Log.OnEvent = id => _ = id is 2 or 9 or 10 ? throw new InvalidTimeZoneException() : 0;
        await host.Catalog.LoadAsync("late", options => Set(options, 3), Cancellation);
        Assert.Equal(ModelState.Ready, host.Catalog.Models[1].State);
        await AssertReady(host, HealthStatus.Healthy, "llama_base: ready; late: ready");
        await host.Host.StopAsync(Cancellation);
    }

    [Theory]
    [InlineData(" ")]
    [InlineData("a\n")]
    public async Task A_key_that_cannot_stand_in_a_label_is_refused(string key)
    {
        await using TestHost host = await Started();
        SpecDecodeException error = await Assert.ThrowsAsync<SpecDecodeException>(() => host.Catalog.LoadAsync(key, options => Set(options, 3), Cancellation));
        Assert.Equal("The key of a model has a control character or a space at an end: give at most 100 that can stand in a label.", error.Message);
        Assert.Single(host.Catalog.Models);
    }

    private static async Task<TestHost> Started(params (string Key, string? Value)[] settings)
    {
        TestHost host = new(settings);
        host.Builder.AddSpecDecode();
        host.Builder.Services.AddHealthChecks().AddSpecDecode();
        await host.Host.StartAsync(Cancellation);
        return host;
    }

    private static void Set(SpecDecodeOptions options, int maxTokens)
    {
        options.Model.Path = "llama_base";
        options.Model.CacheFolder = TestFolders.WeightCache;
        options.MaxTokens = maxTokens;
    }

    private static async Task AssertReady(TestHost host, HealthStatus status, string? description)
    {
        HealthReport report = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Cancellation);
        HealthReportEntry entry = report.Entries["specdecode-ready"];
        Assert.Equal((status, description), (entry.Status, entry.Description));
    }
}
