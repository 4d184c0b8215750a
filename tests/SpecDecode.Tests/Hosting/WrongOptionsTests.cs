using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SpecDecode.Hosting;
using SpecDecode.Sampling;

namespace SpecDecode.Tests.Hosting;

/// <summary>Each mistake in the options ends the start with one sentence that says where it is and what to do.</summary>
public class WrongOptionsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, string?, string> Mistakes => new()
    {
        { "Model:Path", "", "SpecDecode:Model:Path is not set: give the folder of a checkpoint (config.json, model.safetensors, tokenizer.json)." },
        { "Model:Path", null, "SpecDecode:Model:Path is not set: give the folder of a checkpoint (config.json, model.safetensors, tokenizer.json)." },
        { "Model:Pfad", "x", "SpecDecode:Model:Pfad is no option: there are Activations, BlockSize, CacheFolder, ChatTemplate, DraftHeadPrecision, DraftPrecision, DraftVocabulary, HeadPrecision, Kernels, Name, Path, Precision, VerifyWeights, WeightMemory." },
        { "Modell:Path", "x", "SpecDecode:Modell is no section and no option: there are Drafting, Model, Models, Runtime, Sampling, Telemetry, and beside them MaxTokens." },
        { "Drafting", "early-exit", "SpecDecode:Drafting is 'early-exit': give a section with any of CascadeExits, CascadeLength, CascadeThreshold, DraftLength, ExitLayer, Policy, Profile, SkipAttention, SkipMlp, Strategy, Threshold." },
        { "Drafting:Strategy", "turbo", "SpecDecode:Drafting:Strategy is 'turbo': give one of none, auto, early-exit, layer-skip, lookup, swift." },
        { "Drafting:Strategy", "early-exit", "SpecDecode:Drafting:Strategy is early-exit, which needs ExitLayer: give how many layers the drafter runs." },
        { "Drafting:Strategy", "layer-skip", "SpecDecode:Drafting:Strategy is layer-skip, which needs SkipAttention or SkipMlp: name the layers whose blocks the drafter leaves out." },
        { "Drafting:ExitLayer", "0", "SpecDecode:Drafting:ExitLayer is 0: give 1 to the number of layers of the model." },
        { "Drafting:ExitLayer", "two", "SpecDecode:Drafting:ExitLayer is 'two': give a whole number, at most 2147483647, or leave it out." },
        { "Drafting:ExitLayer:0", "2", "SpecDecode:Drafting:ExitLayer is a list or a section: give a whole number, at most 2147483647, or leave it out." },
        { "Drafting:SkipAttention", "1,2", "SpecDecode:Drafting:SkipAttention is '1,2': give a list of whole numbers such as [3, 5], or leave it out." },
        { "Drafting:SkipMlp:0", "x", "SpecDecode:Drafting:SkipMlp:0 is 'x': give a whole number, at most 2147483647, or leave it out." },
        { "Drafting:SkipMlp:0:y", "1", "SpecDecode:Drafting:SkipMlp:0 is no number: give a whole number, at most 2147483647, or leave it out." },
        { "Drafting:DraftLength", "-4", "SpecDecode:Drafting:DraftLength is -4: give 1 to 64, or Strategy none to draft nothing." },
        { "Drafting:DraftLength", "65", "SpecDecode:Drafting:DraftLength is 65: give 1 to 64, or Strategy none to draft nothing." },
        { "Drafting:DraftLength", "4.5", "SpecDecode:Drafting:DraftLength is '4.5': give a whole number, at most 2147483647, or leave it out." },
        { "Drafting:DraftLength", "99999999999", "SpecDecode:Drafting:DraftLength is '99999999999': give a whole number, at most 2147483647, or leave it out." },
        { "Drafting:Policy", "eager", "SpecDecode:Drafting:Policy is 'eager': give one of fixed, adaptive-threshold, confidence-stop." },
        { "Drafting:Threshold", "NaN", "SpecDecode:Drafting:Threshold is NaN: give a probability from 0 to 1." },
        { "Drafting:CascadeExits:0", "0", "SpecDecode:Drafting:CascadeExits has 0: give layers from 1 on, fewer than the drafter runs." },
        { "Drafting:CascadeLength", "65", "SpecDecode:Drafting:CascadeLength is 65: give 1 to 64." },
        { "Drafting:CascadeThreshold", "1.5", "SpecDecode:Drafting:CascadeThreshold is 1.5: give a probability from 0 to 1." },
        { "Drafting:Threshold", "1.01", "SpecDecode:Drafting:Threshold is 1.01: give a probability from 0 to 1." },
        { "Sampling:Temperature", "-1", "SpecDecode:Sampling:Temperature is -1: give 0 (greedy) or more." },
        { "Sampling:Temperature", "1e99", "SpecDecode:Sampling:Temperature is Infinity: give 0 (greedy) or more." },
        { "Sampling:Temperature", "warm", "SpecDecode:Sampling:Temperature is 'warm': give a number such as 0.5, or leave it out." },
        { "Sampling:TopK", "-1", "SpecDecode:Sampling:TopK is -1: give 1 or more, or 0 for no limit." },
        { "Sampling:TopP", "0", "SpecDecode:Sampling:TopP is 0: give a probability above 0, at most 1 (no limit)." },
        { "Sampling:MinP", "2", "SpecDecode:Sampling:MinP is 2: give a share from 0 (no limit) to 1." },
        { "Sampling:TopNSigma", "-1", "SpecDecode:Sampling:TopNSigma is -1: give a number of standard deviations, or 0 for no limit." },
        { "Sampling:Acceptance", "always", "SpecDecode:Sampling:Acceptance is 'always': give greedy, rejection or shared-noise, or leave it out." },
        { "Sampling:Acceptance", "shared-noise", "SpecDecode:Sampling:Acceptance is SharedNoise, but Temperature is 0: nothing is drawn there; use Greedy, or a higher temperature." },
        { "Sampling:Seed", "1e3", "SpecDecode:Sampling:Seed is '1e3': give a whole number of 64 bits, or leave it out." },
        { "Sampling:ChoiceIndex", "1", "SpecDecode:Sampling:ChoiceIndex is no option: there are Acceptance, FrequencyPenalty, MinP, PenaltyWindow, PresencePenalty, RepetitionPenalty, Seed, Temperature, TopK, TopNSigma, TopP." },
        { "Sampling:MaxTokens", "5", "SpecDecode:Sampling:MaxTokens is called SpecDecode:MaxTokens: move its value there." },
        { "Drafting:Precision", "int4", "SpecDecode:Drafting:Precision is called SpecDecode:Model:DraftPrecision: move its value there." },
        { "MaxTokens", "0", "SpecDecode:MaxTokens is 0: give 1 or more." },
        { "MaxTokens", "some", "SpecDecode:MaxTokens is 'some': give a whole number, at most 2147483647, or leave it out." },
        { "MaxTokens:0", "5", "SpecDecode:MaxTokens is a list or a section: give a whole number, at most 2147483647, or leave it out." },
        { "Runtime:ExecutionProvider", "gpu", "SpecDecode:Runtime:ExecutionProvider is 'gpu': give cpu or cuda." },
        { "Runtime:Threads", "0", "SpecDecode:Runtime:Threads is 0: give 1 to 64, or leave it unset for one per physical core that the process may use." },
        { "Runtime:Spinning", "yes", "SpecDecode:Runtime:Spinning is 'yes': give true or false, or leave it out." },
        { "Runtime:MaxSequences", "5000", "SpecDecode:Runtime:MaxSequences is 5000: give 1 to 4096." },
        { "Runtime:MaxQueue", "-1", "SpecDecode:Runtime:MaxQueue is -1: give 0 or more." },
        { "Runtime:KvCacheMegabytes", "0", "SpecDecode:Runtime:KvCacheMegabytes is 0: give 1 or more, or leave it unset for half of the memory that the weights leave." },
        { "Runtime:DeviceMemoryMegabytes", "0", "SpecDecode:Runtime:DeviceMemoryMegabytes is 0: give 1 or more, or leave it unset for no limit." },
        { "Runtime:CudaGraphs", "often", "SpecDecode:Runtime:CudaGraphs is 'often': give true or false, or leave it out." },
        { "Runtime:DeviceSegments", "1", "SpecDecode:Runtime:DeviceSegments is '1': give true or false, or leave it out." },
        { "Runtime:DeviceAttention", "auto", "SpecDecode:Runtime:DeviceAttention is 'auto': give true or false, or leave it out." },
        { "Runtime:KvPrecision", "fp8", "SpecDecode:Runtime:KvPrecision is 'fp8': give fp32, fp16 or int8, or leave it out." },
        { "Runtime:ComputePrecision", "int8", "SpecDecode:Runtime:ComputePrecision is 'int8': give fp32, fp16 or bf16, or leave it out." },
        { "Runtime:Admission", "1", "SpecDecode:Runtime:Admission is '1': give paged or reserve, or leave it out." },
        { "Runtime:PrefixCache", "1.5", "SpecDecode:Runtime:PrefixCache is 1.5: give 0 (off) to 1." },
        { "Runtime:PrefillChunk", "0", "SpecDecode:Runtime:PrefillChunk is 0: give 1 or more." },
        { "Runtime:MaxRowsPerPass", "9000", "SpecDecode:Runtime:MaxRowsPerPass is 9000: give 1 to 8192." },
        { "Runtime:MaxSequenceLength", "0", "SpecDecode:Runtime:MaxSequenceLength is 0: give 1 or more, or leave it unset for what the model allows." },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public async Task A_wrong_option_ends_the_start_before_anything_is_loaded(string key, string? value, string sentence)
    {
        await using TestHost host = new((key, value));
        host.Builder.AddSpecDecode();
        OptionsValidationException error = await Assert.ThrowsAsync<OptionsValidationException>(() => host.Host.StartAsync(Cancellation));
        Assert.Equal(sentence, error.Message);
        Assert.Equal(0, host.Log.Count(1));
    }

    [Theory]
    [InlineData("early-exit", "Drafting:SkipMlp:0", "SpecDecode:Drafting:Strategy is early-exit, which skips no single blocks: remove SkipAttention and SkipMlp, or use layer-skip.")]
    [InlineData("layer-skip", "Drafting:SkipAttention:0", "SpecDecode:Drafting:Strategy is layer-skip, which has no exit: remove ExitLayer, or use early-exit.")]
    public async Task Options_that_contradict_each_other_are_one_sentence(string strategy, string skip, string sentence)
    {
        await using TestHost host = new(("Drafting:Strategy", strategy), ("Drafting:ExitLayer", "2"), (skip, "1"));
        host.Builder.AddSpecDecode();
        Assert.Equal(sentence, (await Assert.ThrowsAsync<OptionsValidationException>(() => host.Host.StartAsync(Cancellation))).Message);
    }

    [Theory]
    [InlineData("3", "3", "SpecDecode:Drafting:CascadeExits has 3, but an exit that guesses lies before the drafter's last layer, and before the first block that it leaves out: give layers from 1 to 2.")]
    [InlineData("1", "1", "SpecDecode:Drafting:CascadeExits has 1, but the drafter runs no layer before its last as the whole model does: remove it.")]
    public async Task An_exit_that_cannot_guess_for_the_drafter_ends_the_start(string exitLayer, string cascade, string sentence)
    {
        await using TestHost host = new(("Drafting:Strategy", "early-exit"), ("Drafting:ExitLayer", exitLayer), ("Drafting:CascadeExits:0", cascade));
        host.Builder.AddSpecDecode();
        Assert.Equal(sentence, (await Assert.ThrowsAnyAsync<SpecDecodeException>(() => host.Host.StartAsync(Cancellation))).Message);
    }

    [Theory]
    [InlineData("auto", "CascadeExits:0", "1", "SpecDecode:Drafting:CascadeExits is given, but the strategy auto takes no cascade: use early-exit or layer-skip, or remove it.")]
    [InlineData("lookup", "CascadeExits:0", "1", "SpecDecode:Drafting:CascadeExits is given, but the strategy lookup takes no cascade: use early-exit or layer-skip, or remove it.")]
    [InlineData("early-exit", "CascadeLength", "3", "SpecDecode:Drafting:CascadeLength is given without CascadeExits: name the exits that guess, or remove it.")]
    [InlineData("early-exit", "CascadeThreshold", "0.5", "SpecDecode:Drafting:CascadeThreshold is given without CascadeExits: name the exits that guess, or remove it.")]
    public async Task A_cascade_that_nobody_would_run_ends_the_start(string strategy, string key, string value, string sentence)
    {
        await using TestHost host = new(("Drafting:Strategy", strategy), ("Drafting:ExitLayer", strategy == "early-exit" ? "3" : null), ("Drafting:" + key, value));
        host.Builder.AddSpecDecode();
        Assert.Equal(sentence, (await Assert.ThrowsAsync<OptionsValidationException>(() => host.Host.StartAsync(Cancellation))).Message);
    }

    public static TheoryData<string, string, string, string> ModelMistakes => new()
    {
        { "early-exit", "Drafting:ExitLayer", "5", "SpecDecode:Drafting:ExitLayer is 5, but the model has 4 layers: give 1 to 4." },
        { "layer-skip", "Drafting:SkipAttention:0", "4", "SpecDecode:Drafting:SkipAttention is 4, but the model has 4 layers: give layers from 0 to 3." },
        { "layer-skip", "Drafting:SkipMlp:0", "-1", "SpecDecode:Drafting:SkipMlp is -1, but the model has 4 layers: give layers from 0 to 3." },
        { "none", "Runtime:MaxSequenceLength", "513", "SpecDecode:Runtime:MaxSequenceLength is 513: this model allows 1 to 512 (max_position_embeddings)." },
        { "none", "Runtime:DeviceId", "1", "SpecDecode:Runtime:DeviceId is 1, but the execution provider 'cpu' has only device 0." },
        { "none", "Runtime:DeviceAttention", "false", "SpecDecode:Runtime:DeviceAttention is false, but the execution provider 'cpu' is no device: leave it out, or use cuda." },
        { "none", "Runtime:DeviceMemoryMegabytes", "2048", "SpecDecode:Runtime:DeviceMemoryMegabytes is 2048, but the execution provider 'cpu' is no device: leave it out, or use cuda." },
        { "none", "Runtime:CudaGraphs", "true", "SpecDecode:Runtime:CudaGraphs is true, but the execution provider 'cpu' has none: leave it out, or use cuda." },
        { "none", "Runtime:DeviceSegments", "true", "SpecDecode:Runtime:DeviceSegments is true, but the execution provider 'cpu' is no device, and has segments without it: leave it out, or use cuda." },
        { "none", "Runtime:Tf32", "true", "SpecDecode:Runtime:Tf32 is true, but the execution provider 'cpu' knows no TF32: leave it out, or use cuda." },
        { "none", "Model:Path", "a\0b", "SpecDecode:Model:Path is 'a\\0b', which is no path: name a folder." },
    };

    [Theory]
    [MemberData(nameof(ModelMistakes))]
    public async Task What_the_model_does_not_allow_ends_the_start_too(string strategy, string key, string value, string sentence)
    {
        await using TestHost host = new(("Drafting:Strategy", strategy), (key, value));
        host.Builder.AddSpecDecode();
        Assert.Equal(sentence, (await Assert.ThrowsAnyAsync<SpecDecodeException>(() => host.Host.StartAsync(Cancellation))).Message);
        Assert.Equal(0, host.Log.Count(2));
    }

    [Theory]
    [InlineData("Model:BlockSize", "48", "SpecDecode:Model:BlockSize is 48", "give 16, 32")]
    [InlineData("Model:BlockSize", "64", "SpecDecode:Model:BlockSize is 64, but nothing is quantised", "ask for int8 or int4")]
    [InlineData("Model:DraftVocabulary", "-5", "SpecDecode:Model:DraftVocabulary is -5", "or 0 for all")]
    [InlineData("Model:DraftHeadPrecision", "bf16", "SpecDecode:Model:DraftHeadPrecision is bf16", "give int8 or int4, or leave it out")]
    [InlineData("Model:DraftPrecision", "fp32", "SpecDecode:Model:DraftPrecision is fp32, and the model's own precision is bf16", "give int8 or int4")]
    [InlineData("Model:Path", "", "SpecDecode:Model:Path is not set", "give the folder")]
    [InlineData("Model:Path", "../Hosting", "SpecDecode:Model:Path: ", "config.json")]
    [InlineData("Model:Path", "nowhere", "nowhere", "does not exist or may not be read; give the folder of a downloaded checkpoint")]
    [InlineData("Model:Path", "README.md", "README.md", "is a file; give the folder that holds it together with config.json")]
    [InlineData("Model:CacheFolder", "README.md", "SpecDecode:Model:CacheFolder", "name another cache folder")]
    [InlineData("Runtime:ExecutionProvider", "cuda", "SpecDecode:Runtime:ExecutionProvider is 'cuda', but the application's native ONNX Runtime has no CUDA in it", "reference the package Microsoft.ML.OnnxRuntime.Gpu")]
    public async Task What_is_not_there_is_named_with_the_mend(string key, string value, string what, string mend)
    {
        await using TestHost host = new((key, value));
        host.Builder.AddSpecDecode();
        string message = (await Assert.ThrowsAnyAsync<Exception>(() => host.Host.StartAsync(Cancellation))).Message;
        Assert.Contains(what, message, StringComparison.Ordinal);
        Assert.Contains(mend, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public async Task Several_mistakes_are_told_at_once()
    {
        await using TestHost host = new(("Drafting:DraftLength", "0"), ("Sampling:TopP", "7"), ("Runtime:MaxQueue", "-3"));
        host.Builder.AddSpecDecode();
        OptionsValidationException error = await Assert.ThrowsAsync<OptionsValidationException>(() => host.Host.StartAsync(Cancellation));
        Assert.Equal(3, error.Failures.Count());
    }

    [Fact]
    public async Task A_section_that_is_not_there_is_named()
    {
        await using TestHost host = new();
        host.Builder.AddSpecDecode("SpecDecoder");
        string message = (await Assert.ThrowsAsync<OptionsValidationException>(() => host.Host.StartAsync(Cancellation))).Message;
        Assert.StartsWith("SpecDecoder:Model:Path is not set: give the folder of a checkpoint", message, StringComparison.Ordinal);
        Assert.EndsWith($" There is no section SpecDecoder in the configuration; the content root is {TestFolders.Fixtures}, its files: there are none.", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_section_comes_with_the_folder_and_the_files_that_were_looked_in()
    {
        using TemporaryFolder folder = new();
        folder.Write("appsettings.json", "{}");
        HostApplicationBuilder builder = Microsoft.Extensions.Hosting.Host.CreateApplicationBuilder(
            new HostApplicationBuilderSettings { ContentRootPath = folder.Path, EnvironmentName = "Production" });
        builder.Logging.ClearProviders();
        builder.AddSpecDecode();
        using IHost host = builder.Build();
        string message = (await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(Cancellation))).Message;
        Assert.Contains(
            $"There is no section SpecDecode in the configuration; the content root is {folder.Path}, its files: appsettings.json, appsettings.Production.json (not there)",
            message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Theory]
    [InlineData("500", "SpecDecode:Runtime:KvCacheMegabytes is 1, but a prompt of one token with 500 new ones (SpecDecode:MaxTokens) takes ")]
    [InlineData("2000000000", "SpecDecode:Runtime:KvCacheMegabytes is 1, but a prompt of one token with 511 new ones (SpecDecode:MaxTokens) takes ")]
    public async Task Memory_that_holds_no_request_with_the_defaults_is_refused_with_the_numbers(string maxTokens, string sentence)
    {
        await using TestHost host = new(("MaxTokens", maxTokens), ("Runtime:KvCacheMegabytes", "1"), ("Model:Path", "qwen3"));
        host.Builder.AddSpecDecode();
        SpecDecodeException error = await Assert.ThrowsAnyAsync<SpecDecodeException>(() => host.Host.StartAsync(Cancellation));
        Assert.StartsWith(sentence, error.Message, StringComparison.Ordinal);
        Assert.Matches(@"takes [2-9]\d* MB for keys and values, so that no such request could ever run: give as much, or a smaller SpecDecode:MaxTokens\.$", error.Message);
        Assert.Equal(0, host.Log.Count(2));
    }

    [Fact]
    public async Task Null_counts_as_not_there_and_keys_are_read_without_regard_to_case()
    {
        await using TestHost host = new();
        host.Builder.Configuration.AddJsonStream(new MemoryStream("""
            { "specdecode": {
                "Drafting": { "Strategy": "early-exit", "exitlayer": 3, "SkipAttention": [], "SkipMlp": null, "DraftLength": null, "Threshold": 5e-1 },
                "Sampling": null, "runtime": { "Threads": null, "Spinning": null, "KvCacheMegabytes": null, "maxsequences": 2, "LoadInBackground": false } } }
            """u8.ToArray()));
        host.Builder.AddSpecDecode();
        await host.Host.StartAsync(Cancellation);
        Assert.Equal((3, 4, 0.5f, 128), (
            host.Generator.Defaults.Drafting.ExitLayer, host.Generator.Defaults.Drafting.DraftLength, host.Generator.Defaults.Drafting.Threshold, host.Generator.Defaults.MaxTokens));
    }

    [Fact]
    public async Task An_empty_value_takes_a_key_back_whatever_its_kind()
    {
        // What appsettings.json sets, and the environment or the command line takes back: they have no null.
        await using TestHost host = new(
            ("Drafting:Strategy", "layer-skip"), ("Drafting:ExitLayer", "2"), ("Drafting:SkipMlp:0", "1"), ("Drafting:SkipMlp:1", "2"), ("Drafting:DraftLength", "9"),
            ("MaxTokens", "5"), ("Sampling:Seed", "1"), ("Sampling:Temperature", "2"), ("Runtime:Threads", "1"), ("Runtime:Spinning", "true"), ("Model:Precision", "int4"));
        string[] empty =
        [
            "Drafting:ExitLayer", "Drafting:SkipMlp:1", "Drafting:DraftLength", "MaxTokens", "Sampling:Seed", "Sampling:Temperature", "Sampling:Acceptance",
            "Runtime:Threads", "Runtime:Spinning", "Runtime:KvCacheMegabytes", "Model:Precision", "Model:DraftPrecision",
        ];
        host.Builder.Configuration.AddInMemoryCollection(TestHost.Settings([.. empty.Select(key => (key, (string?)""))]));
        host.Builder.AddSpecDecode();
        SpecDecodeOptions options = host.Services.GetRequiredService<IOptionsMonitor<SpecDecodeOptions>>().CurrentValue;
        Assert.Equal((null, 4, 128), (options.Drafting.ExitLayer, options.Drafting.DraftLength, options.MaxTokens));
        Assert.Equal([1], options.Drafting.SkipMlp);
        Assert.Equal((null, 0f, null), (options.Sampling.Seed, options.Sampling.Temperature, options.Sampling.Acceptance));
        Assert.Equal((null, null, null, null), (options.Runtime.Threads, options.Runtime.Spinning, options.Model.Precision, options.Model.DraftPrecision));
    }

    [Theory]
    [InlineData("Drafting:Strategy", "NONE")]
    [InlineData("Sampling:Acceptance", "Greedy")]
    [InlineData("Model:Precision", "FP32")]
    [InlineData("Model:Activations", "Int8")]
    [InlineData("Model:VerifyWeights", "True")]
    [InlineData("Runtime:ExecutionProvider", "CPU")]
    [InlineData("Runtime:Spinning", "TRUE")]
    public async Task Words_are_read_in_any_case(string key, string value)
    {
        await using TestHost host = await TestHost.Started((key, value));
        Assert.NotEmpty((await host.Generator.CompleteAsync(TestHost.Request(), Cancellation)).Tokens);
    }

    [Theory]
    [InlineData("shared-noise")]
    [InlineData("SharedNoise")]
    [InlineData("SHARED-NOISE")]
    public async Task The_acceptance_rule_is_spelt_as_on_the_command_line_or_as_in_code(string value)
    {
        await using TestHost host = await TestHost.Started(("Sampling:Acceptance", value), ("Sampling:Temperature", "1"), ("Sampling:Seed", "-9"));
        Assert.Equal((AcceptanceRule.SharedNoise, -9L), (host.Generator.Defaults.Sampling.Acceptance, host.Generator.Defaults.Sampling.Seed));
    }

    [Fact]
    public async Task Relative_folders_are_taken_from_the_content_root()
    {
        string name = Path.GetRandomFileName();
        await using TestHost host = new(("Model:CacheFolder", $"../Fixtures/{name}"));
        host.Builder.AddSpecDecode();
        string folder = Path.Combine(TestFolders.Fixtures, name);
        try
        {
            await host.Host.StartAsync(Cancellation);
            Assert.Single(Directory.EnumerateFiles(folder, "*.weights"));
        }
        finally
        {
            await host.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
    }
}
