using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;
using SpecDecode.Generation;
using SpecDecode.Hosting;
using SpecDecode.Tests.Generation;

namespace SpecDecode.Tests.Hosting;

/// <summary>Configurations that change while a host runs.</summary>
public class ReloadTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Drafting_and_sampling_change_for_requests_that_come_afterwards_and_for_no_other()
    {
        await using TestHost host = await TestHost.Started(("MaxTokens", "6"));
        GenerationRequest request = TestHost.Request() with { MaxTokens = null };
        IAsyncEnumerable<GenerationUpdate> before = host.Generator.GenerateAsync(request, Cancellation);
        host.Change(("MaxTokens", "11"), ("Drafting:Strategy", "early-exit"), ("Drafting:ExitLayer", "1"), ("Drafting:DraftLength", "2"));

        GenerationResult after = await host.Generator.CompleteAsync(request, Cancellation);
        Assert.Equal((11, true), (after.Tokens.Count, after.Drafting.Drafted > 0));
        List<GenerationUpdate> updates = [];
        await foreach (GenerationUpdate update in before)
        {
            updates.Add(update);
        }

        Assert.Equal((6, 0L), (updates.Count, updates[^1].Result!.Drafting.Drafted));
        Assert.StartsWith(
            "The model llama_base has new defaults for requests; drafting: early-exit: exit layer 1, draft length 2, threshold 0; precision: bf16; draft precision: bf16; threads: ",
            Assert.Single(host.Log.Messages(6)), StringComparison.Ordinal);

        host.Change(("Drafting:Strategy", "none"), ("Drafting:ExitLayer", null), ("Sampling:Temperature", "0.7"));
        Assert.Equal(("none", 0.7f), (host.Generator.Defaults.Drafting.Strategy, host.Generator.Defaults.Sampling.Temperature));
        Assert.Equal((0, 0), (host.Log.Count(7), host.Log.Count(8)));
    }

    [Theory]
    [InlineData("Drafting:DraftLength", "100", "SpecDecode:Drafting:DraftLength is 100: give 1 to 64, or Strategy none to draft nothing.")]
    [InlineData("Drafting:DraftLength", "many", "SpecDecode:Drafting:DraftLength is 'many': give a whole number, at most 2147483647, or leave it out.")]
    [InlineData("Drafting:ExitLayer", "9", "SpecDecode:Drafting:ExitLayer is 9, but the model has 4 layers: give 1 to 4.")]
    [InlineData("Drafting:Exitlaier", "1", "SpecDecode:Drafting:Exitlaier is no option: there are CascadeExits, CascadeLength, CascadeThreshold, DraftLength, ExitLayer, Policy, Profile, SkipAttention, SkipMlp, Strategy, Threshold.")]
    public async Task A_wrong_change_is_logged_the_former_stays_and_a_later_right_one_holds(string key, string value, string sentence)
    {
        await using TestHost host = await TestHost.Started(("Drafting:Strategy", "early-exit"), ("Drafting:ExitLayer", "2"), (key == "Drafting:ExitLayer" ? "Drafting:DraftLength" : key == "Drafting:Exitlaier" ? "Drafting:DraftLength" : key, "3"));
        GenerationDefaults former = host.Generator.Defaults;

        // Whoever changes the configuration meets no exception of ours.
        host.Change((key, value));
        Assert.Equal($"The changed configuration of the model llama_base is wrong, so the former stays: {sentence}", Assert.Single(host.Log.Messages(7)));
        Assert.Equal(LogLevel.Error, host.Log.Level(7));
        Assert.Equal(former, host.Generator.Defaults);
        await host.Generator.CompleteAsync(TestHost.Request(), Cancellation);

        ((IConfigurationRoot)host.Builder.Configuration).Reload();
        Assert.Equal(2, host.Log.Count(7));
        Assert.Equal(0, host.Log.Count(6));
    }

    [Fact]
    public async Task What_is_read_at_the_start_alone_is_told_to_need_another_start()
    {
        await using TestHost host = await TestHost.Started();
        host.Change(("Runtime:MaxQueue", "3"));
        Assert.Equal(1, host.Log.Count(8));
        host.Change(("Model:Path", "elsewhere"), ("Sampling:TopK", "5"));
        Assert.Equal((2, 1), (host.Log.Count(8), host.Log.Count(6)));
        Assert.Equal(5, host.Generator.Defaults.Sampling.TopK);

        // Nothing of ours has changed.
        host.Builder.Configuration["Somebody:Else"] = "x";
        ((IConfigurationRoot)host.Builder.Configuration).Reload();
        Assert.Equal((2, 1, 0), (host.Log.Count(8), host.Log.Count(6), host.Log.Count(7)));
    }

    [Fact]
    public async Task What_differs_from_what_was_loaded_is_told_by_its_keys_and_only_when_it_differs_anew()
    {
        await using TestHost host = await TestHost.Started(("Runtime:MaxQueue", "9"));
        host.Change(("Runtime:MaxQueue", "3"));
        Assert.Equal("The model llama_base was loaded with other values of SpecDecode:Runtime:MaxQueue; the change takes effect when the host starts again", host.Log.Messages(8).Last());

        // Other sections, and values that say the same as none.
        host.Change(("Drafting:Strategy", "early-exit"), ("Drafting:ExitLayer", "1"), ("Model:Precision", ""), ("Runtime:Spinning", null));
        Assert.Equal((1, 1), (host.Log.Count(8), host.Log.Count(6)));
        host.Change(("Model:Precision", "int8"));
        Assert.Equal(2, host.Log.Count(8));
        Assert.Contains(" SpecDecode:Model:Precision, SpecDecode:Runtime:MaxQueue;", host.Log.Messages(8).Last(), StringComparison.Ordinal);
        host.Change(("Runtime:MaxQueue", "4"));
        Assert.Equal(3, host.Log.Count(8));

        // One of them as it was loaded: what is left differs from what was told.
        host.Change(("Model:Precision", null));
        Assert.Equal(4, host.Log.Count(8));
        host.Change(("Runtime:MaxQueue", "9"));
        Assert.Equal(4, host.Log.Count(8));
        host.Change(("Runtime:MaxQueue", "4"));
        Assert.Equal((5, 0), (host.Log.Count(8), host.Log.Count(7)));
    }

    [Fact]
    public async Task More_tokens_than_the_memory_for_keys_and_values_holds_are_refused()
    {
        await using TestHost host = await TestHost.Started(("Model:Path", "qwen3"), ("Runtime:KvCacheMegabytes", "1"), ("MaxTokens", "100"));
        host.Change(("MaxTokens", "500"));
        Assert.Contains("SpecDecode:Runtime:KvCacheMegabytes is 1, but a prompt of one token with 500 new ones (SpecDecode:MaxTokens) takes 2 MB", Assert.Single(host.Log.Messages(7)), StringComparison.Ordinal);
        Assert.Equal(100, host.Generator.Defaults.MaxTokens);
    }

    [Fact]
    public async Task A_file_that_is_no_JSON_any_more_is_told_and_changes_nothing_until_it_is_mended()
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("appsettings.json", Appsettings(maxTokens: 4));
        string other = folder.Write("other.json", "{}");
        await using TestHost host = new();
        host.Builder.Configuration.AddJsonFile(path, optional: false, reloadOnChange: true).AddJsonFile(other, optional: false, reloadOnChange: true);
        host.Builder.AddSpecDecode();
        await host.Host.StartAsync(Cancellation);

        File.WriteAllText(path, """{ "SpecDecode": { "MaxTokens": """);
        await ScriptedService.Eventually(() => host.Log.Count(7) > 0);
        string message = host.Log.Messages(7).First();
        Assert.StartsWith($"The changed configuration of the model llama_base is wrong, so the former stays: Failed to load configuration from file '{path}'.", message, StringComparison.Ordinal);
        Assert.Contains("LineNumber: ", message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
        Assert.Equal(4, host.Generator.Defaults.MaxTokens);

        // For the configuration the file is empty now; a change elsewhere does not make that hold.
        File.WriteAllText(other, """{ "SpecDecode": { "Sampling": { "TopK": 3 } } }""");
        int before = host.Log.Count(7);
        await ScriptedService.Eventually(() => host.Builder.Configuration["SpecDecode:Sampling:TopK"] == "3" && host.Log.Count(7) > before);
        Assert.Equal((4, 0), (host.Generator.Defaults.MaxTokens, host.Generator.Defaults.Sampling.TopK));

        File.WriteAllText(path, Appsettings(maxTokens: 9));
        await ScriptedService.Eventually(() => host.Generator.Defaults.MaxTokens == 9);
        Assert.Equal(3, host.Generator.Defaults.Sampling.TopK);
        Assert.Equal(0, host.Log.Count(8));
    }

    [Fact]
    public async Task A_precision_to_draft_in_takes_part_in_nothing_before_the_next_start()
    {
        await using TestHost host = await TestHost.Started(("Drafting:Strategy", "early-exit"), ("Drafting:ExitLayer", "2"));
        host.Change(("Model:DraftPrecision", "int8"), ("Drafting:DraftLength", "3"));
        Assert.Equal((1, 1, 0), (host.Log.Count(8), host.Log.Count(6), host.Log.Count(7)));
        Assert.Equal(3, host.Generator.Defaults.Drafting.DraftLength);
        Assert.True((await host.Generator.CompleteAsync(TestHost.Request(), Cancellation)).Drafting.Drafted > 0);

        // Right for a model that is loaded with such a copy, and wrong for the one that is there.
        host.Change(("Drafting:ExitLayer", null));
        Assert.Contains("which needs ExitLayer", Assert.Single(host.Log.Messages(7)), StringComparison.Ordinal);
        Assert.Equal(2, host.Generator.Defaults.Drafting.ExitLayer);
        Assert.True((await host.Generator.CompleteAsync(TestHost.Request(), Cancellation)).Drafting.Drafted > 0);
    }

    [Fact]
    public async Task Defaults_that_a_caller_changes_are_the_callers_own()
    {
        await using TestHost host = await TestHost.Started(("Sampling:TopK", "5"), ("Drafting:Strategy", "early-exit"), ("Drafting:ExitLayer", "2"));
        host.Generator.Defaults.Sampling.TopK = 7;
        host.Generator.Defaults.Drafting.ExitLayer = 3;
        Assert.Equal((5, 2), (host.Generator.Defaults.Sampling.TopK, host.Generator.Defaults.Drafting.ExitLayer));
    }

    [Fact]
    public async Task A_change_while_the_model_is_loaded_is_not_lost()
    {
        await using TestHost host = new();
        host.Builder.AddSpecDecode();
        host.Log.OnEvent = id =>
        {
            if (id == 1)
            {
                host.Change(("MaxTokens", "77"), ("Runtime:MaxQueue", "5"));
            }
        };
        await host.Host.StartAsync(Cancellation);
        Assert.Equal(77, host.Generator.Defaults.MaxTokens);
        Assert.Equal((1, 1), (host.Log.Count(6), host.Log.Count(8)));
    }

    [Fact]
    public async Task A_stopped_host_listens_to_no_change()
    {
        await using TestHost host = await TestHost.Started();
        await host.Host.StopAsync(Cancellation);
        host.Change(("MaxTokens", "0"), ("Runtime:MaxQueue", "5"));
        Assert.Equal((0, 0, 0), (host.Log.Count(6), host.Log.Count(7), host.Log.Count(8)));
    }

    [Fact]
    public async Task An_appsettings_file_that_is_saved_anew_takes_effect()
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("appsettings.json", Appsettings(maxTokens: 4));
        await using TestHost host = new();
        host.Builder.Configuration.AddJsonFile(path, optional: false, reloadOnChange: true);
        host.Builder.AddSpecDecode();
        await host.Host.StartAsync(Cancellation);
        Assert.Equal(4, host.Generator.Defaults.MaxTokens);

        // As editors do it: another file takes its place.
        File.Move(folder.Write("new", Appsettings(maxTokens: 9)), path, overwrite: true);
        await ScriptedService.Eventually(() => host.Generator.Defaults.MaxTokens == 9);
        File.WriteAllText(path, Appsettings(maxTokens: -9));
        await ScriptedService.Eventually(() => host.Log.Count(7) > 0);
        Assert.Equal(9, host.Generator.Defaults.MaxTokens);
        File.WriteAllText(path, Appsettings(maxTokens: 12));
        await ScriptedService.Eventually(() => host.Generator.Defaults.MaxTokens == 12);
    }

    // The change has begun to be told when the watch is stopped, which waits for it to be over.
    [Fact]
    public void A_change_that_is_being_told_and_the_end_of_the_watch_do_not_wait_for_each_other()
    {
        using BlockedConfiguration configuration = new();
        ConfigurationWatch watch = new(configuration, () => new SpecDecodeOptions());
        int told = 0;
        watch.Start((_, _) => told++);
        Thread change = new(configuration.Change) { IsBackground = true };
        change.Start();
        configuration.Telling.Wait(Cancellation);
        Thread stop = new(watch.Stop) { IsBackground = true };
        stop.Start();
        while (!stop.ThreadState.HasFlag(ThreadState.WaitSleepJoin) && stop.IsAlive)
        {
            Thread.Yield();
        }

        configuration.GoOn.Set();
        Assert.True(change.Join(TimeSpan.FromSeconds(20)), "The change waits for the end of the watch.");
        Assert.True(stop.Join(TimeSpan.FromSeconds(20)), "The end of the watch waits for the change.");
        Assert.Equal(1, told);

        // For good.
        watch.Start((_, _) => told++);
        Assert.Equal(1, told);
    }

    private static string Appsettings(int maxTokens) => $$"""{ "SpecDecode": { "MaxTokens": {{maxTokens}} } }""";

    /// <summary>An empty configuration whose change stands still in the middle of being told.</summary>
    private sealed class BlockedConfiguration : IConfiguration, IDisposable
    {
        private readonly IConfiguration _inner = new ConfigurationBuilder().Build();
        private CancellationTokenSource _token = new();
        private bool _isChanging;

        public ManualResetEventSlim Telling { get; } = new();

        public ManualResetEventSlim GoOn { get; } = new();

        public string? this[string key]
        {
            get => _inner[key];
            set => _inner[key] = value;
        }

        public void Change()
        {
            _isChanging = true;
            CancellationTokenSource former = _token;
            _token = new CancellationTokenSource();
            former.Cancel();
            former.Dispose();
        }

        public IEnumerable<IConfigurationSection> GetChildren() => _inner.GetChildren();

        public IConfigurationSection GetSection(string key) => _inner.GetSection(key);

        // Asked for anew by the callback of a change, before it tells anybody.
        public IChangeToken GetReloadToken()
        {
            if (_isChanging)
            {
                Telling.Set();
                GoOn.Wait();
            }

            return new CancellationChangeToken(_token.Token);
        }

        public void Dispose()
        {
            _token.Dispose();
            Telling.Dispose();
            GoOn.Dispose();
        }
    }
}
