using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using SpecDecode.Generation;
using SpecDecode.Hosting;

namespace SpecDecode.Tests.Hosting;

public class RegistrationTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_section_of_the_hosts_configuration_makes_a_generator()
    {
        await using TestHost host = await TestHost.Started(("MaxTokens", "7"), ("Drafting:Strategy", "early-exit"), ("Drafting:ExitLayer", "2"));
        Assert.Equal(new ModelInfo { Name = "llama_base", LayerCount = 4, VocabularySize = 512, MaxSequenceLength = 512, Precision = Precision.Bf16, MaxTexts = 288 }, host.Generator.Model);
        Assert.Same(host.Generator, host.Generator);
        Assert.Equal((7, 2), (host.Generator.Defaults.MaxTokens, host.Generator.Defaults.Drafting.ExitLayer));
        GenerationResult result = await host.Generator.CompleteAsync(TestHost.Request() with { MaxTokens = null }, Cancellation);
        Assert.Equal(7, result.Tokens.Count);
        Assert.True(result.Drafting.Drafted > 0);
    }

    [Fact]
    public async Task A_section_by_any_name_a_root_of_its_own_and_code_say_the_same()
    {
        IConfigurationRoot root = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Model:Path"] = Path.Combine(TestFolders.Fixtures, "llama_base"), ["Model:CacheFolder"] = TestFolders.WeightCache, ["MaxTokens"] = "3",
            ["Somebody:Elses"] = "x",
        }).Build();
        foreach (Action<TestHost> add in (Action<TestHost>[])[
            host => host.Builder.AddSpecDecode("Elsewhere:Ours"),
            host => host.Builder.Services.AddSpecDecode(root),
            host => host.Builder.Services.AddSpecDecode(host.Builder.Configuration.GetSection("Elsewhere:Ours")),
            host => host.Builder.AddSpecDecode(options => Set(options, maxTokens: 3)),
            host => host.Builder.Services.AddSpecDecode(options => Set(options, maxTokens: 3))])
        {
            await using TestHost host = new();
            host.Builder.Configuration.AddInMemoryCollection(TestHost.Settings(("MaxTokens", "3"))
                .Select(pair => new KeyValuePair<string, string?>("Elsewhere:Ours" + pair.Key["SpecDecode".Length..], pair.Value)));
            add(host);
            await host.Host.StartAsync(Cancellation);
            Assert.Equal(3, (await host.Generator.CompleteAsync(TestHost.Request() with { MaxTokens = null }, Cancellation)).Tokens.Count);
        }
    }

    [Fact]
    public async Task Two_models_in_one_process_are_told_apart_by_name()
    {
        await using TestHost host = new(("MaxTokens", "5"));
        host.Builder.AddSpecDecode();
        host.Builder.AddSpecDecode(
            options =>
            {
                Set(options, maxTokens: 9);
                options.Drafting.Strategy = "layer-skip";
                options.Drafting.SkipMlp = [2];
            },
            "drafter");
        host.Builder.Services.AddHealthChecks().AddSpecDecode().AddSpecDecode("drafter");
        await host.Host.StartAsync(Cancellation);

        ITextGenerator named = host.Services.GetRequiredKeyedService<ITextGenerator>("drafter");
        Assert.NotSame(host.Generator, named);
        GenerationRequest request = TestHost.Request() with { MaxTokens = null };
        GenerationResult[] results = await Task.WhenAll(host.Generator.CompleteAsync(request, Cancellation), named.CompleteAsync(request, Cancellation));
        Assert.Equal((5, 9), (results[0].Tokens.Count, results[1].Tokens.Count));
        Assert.Equal((0L, true), (results[0].Drafting.Drafted, results[1].Drafting.Drafted > 0));
        Assert.Equal(results[0].Tokens, results[1].Tokens.Take(5));
        HealthReport report = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Cancellation);
        Assert.Equal(["specdecode-drafter-live", "specdecode-drafter-ready", "specdecode-live", "specdecode-ready"], report.Entries.Keys.Order());
        Assert.Equal(HealthStatus.Healthy, report.Status);
        await host.Host.StopAsync(Cancellation);
    }

    [Fact]
    public void A_name_is_taken_once_and_is_not_empty()
    {
        ServiceCollection services = [];
        services.AddSpecDecode(_ => { });
        services.AddSpecDecode(_ => { }, "a");
        IConfigurationSection section = new ConfigurationBuilder().Build().GetSection("SpecDecode");
        Assert.Equal(
            "There is a model without a name already: give this one a name.",
            Assert.Throws<InvalidOperationException>(() => services.AddSpecDecode(section)).Message);
        Assert.Equal(
            "There is a model of the name 'a' already: give this one another.",
            Assert.Throws<InvalidOperationException>(() => services.AddSpecDecode(section, "a")).Message);
        Assert.StartsWith("The name of a model is empty", Assert.Throws<ArgumentException>(() => services.AddSpecDecode(section, "")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => services.AddSpecDecode((IConfiguration)null!));
        Assert.Throws<ArgumentNullException>(() => services.AddSpecDecode((Action<SpecDecodeOptions>)null!));
    }

    [Fact]
    public async Task Before_the_start_the_generator_is_there_and_says_what_to_do()
    {
        await using TestHost host = new();
        host.Builder.AddSpecDecode();
        foreach (Func<object?> call in (Func<object?>[])[
            () => host.Generator.Model, () => host.Generator.Tokenizer, () => host.Generator.Defaults,
            () => host.Generator.GenerateAsync(TestHost.Request(), Cancellation), () => host.Generator.CompleteAsync(TestHost.Request(), Cancellation)])
        {
            Assert.Equal(
                "The model is loaded when the host starts: start the host first (IHost.StartAsync or RunAsync).",
                Assert.Throws<ModelNotReadyException>(call).Message);
        }
    }

    [Fact]
    public async Task A_plain_provider_serves_while_its_hosted_services_run_and_is_disposed_either_way()
    {
        foreach (bool asynchronously in (bool[])[true, false])
        {
            ServiceCollection services = [];
            services.AddSpecDecode(options => Set(options, maxTokens: 4));
            ServiceProvider provider = services.BuildServiceProvider(validateScopes: true);
            foreach (IHostedService service in provider.GetServices<IHostedService>())
            {
                await service.StartAsync(Cancellation);
            }

            ITextGenerator generator = provider.GetRequiredService<ITextGenerator>();
            Assert.Equal(4, (await generator.CompleteAsync(TestHost.Request() with { MaxTokens = null }, Cancellation)).Tokens.Count);
            if (asynchronously)
            {
                await provider.DisposeAsync();
            }
            else
            {
                await Task.Run(provider.Dispose, Cancellation);
            }

            await Assert.ThrowsAsync<ShuttingDownException>(() => generator.CompleteAsync(TestHost.Request(), Cancellation));
        }
    }

    [Fact]
    public async Task Options_in_code_are_checked_too_and_their_sentences_name_the_model()
    {
        await using TestHost host = new();
        host.Builder.AddSpecDecode(options => options.Drafting.DraftLength = 0, "b");
        OptionsValidationException error = await Assert.ThrowsAsync<OptionsValidationException>(() => host.Host.StartAsync(Cancellation));
        Assert.Equal(
            [
                "Model 'b', Drafting:DraftLength is 0: give 1 to 64, or Strategy none to draft nothing.",
                "Model 'b', Model:Path is not set: give the folder of a checkpoint (config.json, model.safetensors, tokenizer.json).",
            ],
            error.Failures.Order());
    }

    [Fact]
    public async Task A_section_that_was_set_to_null_in_code_is_a_sentence()
    {
        await using TestHost host = new();
        host.Builder.AddSpecDecode(options =>
        {
            Set(options, maxTokens: 1);
            options.Drafting = null!;
            options.Runtime = null!;
        });
        OptionsValidationException error = await Assert.ThrowsAsync<OptionsValidationException>(() => host.Host.StartAsync(Cancellation));
        Assert.Equal(
            ["Drafting is not set: give its options, or leave it out.", "Runtime is not set: give its options, or leave it out."], error.Failures.Order());
    }

    private static void Set(SpecDecodeOptions options, int maxTokens)
    {
        options.Model.Path = Path.Combine(TestFolders.Fixtures, "llama_base");
        options.Model.CacheFolder = TestFolders.WeightCache;
        options.MaxTokens = maxTokens;
    }
}
