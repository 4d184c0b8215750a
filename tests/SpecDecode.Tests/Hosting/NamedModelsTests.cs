using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using SpecDecode.Generation;
using SpecDecode.Hosting;

namespace SpecDecode.Tests.Hosting;

/// <summary>Several models by name in the configuration.</summary>
public class NamedModelsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>A further model of the fixture llama_tied_bias_f32, by a name.</summary>
    internal static (string Key, string? Value)[] Second(string name, params (string Key, string? Value)[] settings) =>
    [
        ($"Models:{name}:Model:Path", "llama_tied_bias_f32"), ($"Models:{name}:Model:CacheFolder", TestFolders.WeightCache),
        .. settings.Select(setting => ($"Models:{name}:{setting.Key}", setting.Value)),
    ];

    [Fact]
    public async Task They_stand_beside_the_one_without_a_name_and_are_asked_for_by_key()
    {
        await using TestHost host = await TestHost.Started([
            ("MaxTokens", "5"), .. Second("small", ("MaxTokens", "9"), ("Drafting:Strategy", "early-exit"), ("Drafting:ExitLayer", "1")), .. Second("third", ("Model:Name", "shown"))]);
        ITextGenerator small = host.Services.GetRequiredKeyedService<ITextGenerator>("small");
        Assert.Equal(["llama_base", "small", "shown"], host.Catalog.Models.Select(model => model.Model!.Name));
        Assert.Equal(["", "small", "third"], host.Catalog.Models.Select(model => model.Key));
        Assert.All(host.Catalog.Models, model => Assert.Equal(ModelState.Ready, model.State));
        GenerationRequest request = TestHost.Request() with { MaxTokens = null };
        GenerationResult[] results = await Task.WhenAll(host.Generator.CompleteAsync(request, Cancellation), small.CompleteAsync(request, Cancellation));
        Assert.Equal((5, 9), (results[0].Tokens.Count, results[1].Tokens.Count));
        Assert.Equal((0L, true), (results[0].Drafting.Drafted, results[1].Drafting.Drafted > 0));
        Assert.NotEqual(results[0].Tokens, results[1].Tokens.Take(5));

        // One generator for a key, however it is come by and spelt.
        Assert.Same(small, host.Services.GetRequiredService<IModelCatalog>().GetGenerator("SMALL"));
        Assert.True(host.Catalog.TryGetGenerator("third", out ITextGenerator? third));
        Assert.Same(third, host.Services.GetRequiredKeyedService<ITextGenerator>("third"));
        Assert.False(host.Catalog.TryGetGenerator("fourth", out _));
        Assert.Equal(
            "There is no model of the name 'fourth': there are 'small', 'third'.",
            Assert.Throws<ModelNotFoundException>(() => host.Services.GetRequiredKeyedService<ITextGenerator>("fourth")).Message);
        Assert.Contains("The model small is ready after ", string.Join('\n', host.Log.Messages(2)), StringComparison.Ordinal);
        await host.Host.StopAsync(Cancellation);
        Assert.Equal(3, host.Log.Count(10));
    }

    [Fact]
    public async Task There_need_be_none_without_a_name()
    {
        await using TestHost host = new([("Model:Path", null), ("Model:CacheFolder", null), .. Second("a"), .. Second("b")]);
        host.Builder.Configuration["SpecDecode:Model:Path"] = null;
        host.Builder.AddSpecDecode();
        host.Builder.Services.AddHealthChecks().AddSpecDecode().AddSpecDecode("b");
        await host.Host.StartAsync(Cancellation);
        Assert.Equal(["a", "b"], host.Catalog.Models.Select(model => model.Key));
        Assert.Equal(
            "There is no model without a name: there are 'a', 'b'.",
            Assert.Throws<ModelNotFoundException>(() => host.Generator).Message);
        Assert.Equal(8, (await host.Catalog.GetGenerator("a").CompleteAsync(TestHost.Request(), Cancellation)).Tokens.Count);
        HealthReport report = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Cancellation);
        Assert.Equal(HealthStatus.Healthy, report.Status);
        Assert.Equal("a: ready; b: ready", report.Entries["specdecode-ready"].Description);
        Assert.Equal(["a", "b"], report.Entries["specdecode-ready"].Data.Keys);
        Assert.Equal(["b"], report.Entries["specdecode-b-ready"].Data.Keys);
    }

    [Fact]
    public async Task Every_mistake_of_every_model_is_told_at_once_and_nothing_is_loaded()
    {
        await using TestHost host = new([
            ("MaxTokens", "0"), .. Second("a", ("Drafting:Strategy", "magic"), ("Runtime:MaxQueue", "many")), .. Second("b", ("Model:Path", null), ("Modell:Path", "x")), ("Models:c:Models:d:MaxTokens", "3")]);
        host.Builder.AddSpecDecode();
        OptionsValidationException error = await Assert.ThrowsAsync<OptionsValidationException>(() => host.Catalog.StartingAsync(Cancellation));
        Assert.Equal(
            [
                "SpecDecode:MaxTokens is 0: give 1 or more.",
                "SpecDecode:Models:a:Runtime:MaxQueue is 'many': give a whole number, at most 2147483647, or leave it out.",
                "SpecDecode:Models:b:Modell is no section and no option: there are Drafting, Model, Runtime, Sampling, Telemetry, and beside them MaxTokens.",
                "SpecDecode:Models:c:Models is no section and no option: there are Drafting, Model, Runtime, Sampling, Telemetry, and beside them MaxTokens.",
            ],
            error.Failures);
        await Assert.ThrowsAsync<OptionsValidationException>(() => host.Host.StartAsync(Cancellation));
        Assert.Equal(0, host.Log.Count(1));
    }

    [Theory]
    [InlineData("Models", "x", "SpecDecode:Models is 'x': give a section for each model, its name with the sections of a model below it.")]
    [InlineData("Models:a", "x", "SpecDecode:Models:a is 'x': give a section for each model, its name with the sections of a model below it.")]
    [InlineData("Models:a:Model:Name", " x", "SpecDecode:Models:a:Model:Name has a control character or a space at an end: give at most 100 that can stand in a label.")]
    [InlineData("Models:a:Model:Name", "llama_base", "SpecDecode:Models:a:Model:Name: another model of this host is called 'llama_base' in metrics and logs already: give this one a name of its own.")]
    [InlineData("Models:a:Drafting:ExitLayer", "99", null)]
    public async Task What_is_wrong_with_names_is_said(string key, string value, string? sentence)
    {
        await using TestHost host = new([.. key == "Models" || key == "Models:a" ? [] : Second("a", ("Drafting:Strategy", "early-exit"), ("Drafting:ExitLayer", "1")), (key, value)]);
        host.Builder.AddSpecDecode();
        Exception? error = await Record.ExceptionAsync(() => host.Host.StartAsync(Cancellation));
        Assert.Equal(sentence ?? "SpecDecode:Models:a:Drafting:ExitLayer is 99, but the model has 4 layers: give 1 to 4.", error?.Message);
    }

    [Fact]
    public async Task A_name_in_code_and_in_the_section_is_refused()
    {
        await using TestHost host = new(Second("a"));
        host.Builder.AddSpecDecode();
        host.Builder.AddSpecDecode(options => options.Model.Path = "llama_base", "A");
        OptionsValidationException error = await Assert.ThrowsAsync<OptionsValidationException>(() => host.Host.StartAsync(Cancellation));
        Assert.Equal("SpecDecode:Models:a: a model of the name 'a' is added in code already: give this one another.", Assert.Single(error.Failures));
    }

    [Fact]
    public async Task Each_follows_its_own_section_and_no_other()
    {
        await using TestHost host = await TestHost.Started(Second("a", ("MaxTokens", "4")));
        ITextGenerator named = host.Catalog.GetGenerator("a");
        host.Change(("Models:a:MaxTokens", "6"), ("Models:b:MaxTokens", "wrong"));
        Assert.Equal((128, 6), (host.Generator.Defaults.MaxTokens, named.Defaults.MaxTokens));
        Assert.StartsWith("The model a has new defaults for requests; drafting: auto: draft length at most 16", Assert.Single(host.Log.Messages(6)), StringComparison.Ordinal);
        Assert.Equal(0, host.Log.Count(7));
        host.Change(("MaxTokens", "0"));
        Assert.StartsWith("The changed configuration of the model llama_base is wrong", Assert.Single(host.Log.Messages(7)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_that_the_application_sets_on_top_hold_for_a_model_of_the_section_too()
    {
        await using TestHost host = new(Second("a", ("MaxTokens", "4")));
        host.Builder.AddSpecDecode();
        host.Builder.Services.Configure<SpecDecodeOptions>("a", options => options.MaxTokens = 7);
        await host.Host.StartAsync(Cancellation);
        Assert.Equal(7, host.Catalog.GetGenerator("a").Defaults.MaxTokens);
    }
}
