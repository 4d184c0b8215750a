using System.Text.Json;
using System.Text.Json.Nodes;
using SpecDecode.Tests.Reference;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.Checkpoints;

/// <summary>Folders as tools and people leave them: what is valid loads, and what is not is called what it is.</summary>
public sealed class CaseFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("infinity-in-json", "model")]
    [InlineData("overlay-shard", "model")]
    [InlineData("rope-scaling-beside-rope-parameters", "model-empty-parameters")]
    [InlineData("rope-scaling-beside-rope-parameters", "model-default-parameters")]
    [InlineData("tensor-prefixes-message", "base")]
    public void A_valid_folder_computes_what_the_reference_says(string name, string model)
    {
        ToolRun run = Logits(Case(name, model), File.ReadAllText(Case(name, "tokens.txt")).Trim());

        Assert.Equal("", string.Join('\n', run.Complaints));
        using JsonDocument expected = JsonDocument.Parse(File.ReadAllBytes(Case(name, "expected.json")));
        Expectation.Read(expected.RootElement).Check(
            [.. run.Json.GetProperty("logits_last").EnumerateArray().Select(logit => logit.GetSingle())], run.Ints("argmax_per_position"), name);
    }

    [Theory]
    [InlineData("adapter-and-gguf-message", "adapter", "holds no config.json; it has adapter_config.json, which belongs to an adapter", "merge it into its base model")]
    [InlineData("adapter-and-gguf-message", "gguf", "holds no config.json; it has model-Q4_K_M.gguf, a GGUF file, and only safetensors are read", "convert it")]
    [InlineData("quantised-checkpoint-message", "gptq", "quantised with gptq (\"quantization_config\" in config.json)", "use the unquantised checkpoint")]
    [InlineData("quantised-checkpoint-message", "bnb4", "quantised with bitsandbytes (\"quantization_config\" in config.json)", "use the unquantised checkpoint")]
    [InlineData("tensor-prefixes-message", "peft", "the names have the prefix \"base_model.model.model.\" where \"model.\" is expected", "merge the adapter")]
    [InlineData("tensor-prefixes-message", "language_model", "the names have the prefix \"model.language_model.\" where \"model.\" is expected", "save the language model alone")]
    public void A_folder_of_another_kind_is_refused_by_its_kind_with_a_mend(string name, string model, string kind, string mend)
    {
        string complaint = Refusal(Case(name, model));

        Assert.Contains(kind, complaint, StringComparison.Ordinal);
        Assert.Contains(mend, complaint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gguf", "model-Q8_0.gguf", "a GGUF file")]
    [InlineData("onnx", "model.onnx", "an ONNX graph")]
    [InlineData("genai", "genai_config.json", "ONNX Runtime GenAI")]
    [InlineData("tensorflow", "tf_model.h5", "weights of TensorFlow")]
    [InlineData("flax", "flax_model.msgpack", "weights of Flax")]
    [InlineData("mlx", "weights.npz", "weights of MLX")]
    [InlineData("mistral", "consolidated.safetensors", "the form in which Mistral and Meta publish weights")]
    [InlineData("meta", "consolidated.00.pth", "the form in which Mistral and Meta publish weights")]
    [InlineData("meta parameters", "params.json", "the form in which Mistral and Meta publish weights")]
    [InlineData("pytorch", "pytorch_model.bin", "only safetensors are read: convert it")]
    [InlineData("pytorch checkpoint", "model.pth", "only safetensors are read: convert it")]
    [InlineData("pipeline", "model_index.json", "a pipeline of several models")]
    [InlineData("adapter", "adapter_model.safetensors", "belongs to an adapter")]
    public void Weights_of_another_form_are_named_with_and_without_a_config(string what, string file, string said)
    {
        _folder.Write(file, "x");
        string bare = Refusal(_folder.Path);
        _folder.Write("config.json", "{}");
        string described = Refusal(_folder.Path);

        Assert.All([bare, described], complaint => Assert.Contains($"it has {file}", complaint, StringComparison.Ordinal));
        Assert.All([bare, described], complaint => Assert.Contains(said, complaint, StringComparison.Ordinal));
        Assert.All([bare, described], complaint => Assert.DoesNotContain("download", complaint, StringComparison.Ordinal));
        Assert.NotEmpty(what);
    }

    [Fact]
    public void A_pointer_of_Git_LFS_in_the_place_of_weights_is_named()
    {
        _folder.Write("config.json", "{}");
        _folder.Write("model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 988097824\n");

        Assert.Contains("model.safetensors: is the pointer that Git LFS leaves", Refusal(_folder.Path), StringComparison.Ordinal);
    }

    [Fact]
    public void A_models_folder_in_a_cache_is_refused_with_its_snapshot()
    {
        string snapshot = Path.Combine(_folder.Path, "snapshots", "abc");
        Directory.CreateDirectory(snapshot);
        File.WriteAllText(Path.Combine(snapshot, "config.json"), "{}");

        Assert.Contains($"give the folder of a snapshot, {snapshot}", Refusal(_folder.Path), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"quantization_config": {"quant_method": "awq", "bits": 4}}""", "quantised with awq")]
    [InlineData("""{"quantization_config": {"quant_method": "fp8", "activation_scheme": "dynamic"}}""", "quantised with fp8")]
    [InlineData("""{"quantization_config": {"quant_method": "modelopt", "quant_algo": "NVFP4"}}""", "quantised with modelopt NVFP4")]
    [InlineData("""{"quantization_config": {"quant_method": "compressed-tensors", "format": "pack-quantized"}}""", "quantised with compressed-tensors")]
    [InlineData("""{"quantization_config": {"quant_method": "hqq"}}""", "quantised with hqq")]
    [InlineData("""{"quantization_config": {"quant_method": "eetq"}}""", "quantised with eetq")]
    [InlineData("""{"quantization_config": {"quant_method": "quanto"}}""", "quantised with quanto")]
    [InlineData("""{"quantization_config": {"quant_method": "torchao"}}""", "quantised with torchao")]
    [InlineData("""{"quantization_config": {"quant_method": "mxfp4"}}""", "quantised with mxfp4")]
    [InlineData("""{"quantization_config": {"group_size": 64, "bits": 4}}""", "quantised with MLX")]
    [InlineData("""{"quantization": {"group_size": 64, "bits": 4}}""", "quantised with MLX (\"quantization\" in config.json)")]
    [InlineData("""{"quantization_config": {"bits": 4}}""", "quantised with an unnamed method")]
    public void A_quantised_checkpoint_is_named_by_its_config(string patch, string said)
    {
        using FixtureCheckpoint model = new();
        model.Config([.. JsonNode.Parse(patch)!.AsObject().Select(entry => (entry.Key, entry.Value?.DeepClone()))]);
        string complaint = Refusal(model.Folder);

        Assert.Contains(said, complaint, StringComparison.Ordinal);
        Assert.DoesNotContain("download", complaint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("qweight", "I32", "GPTQ, AWQ or EETQ")]
    [InlineData("qzeros", "I32", "GPTQ or AWQ")]
    [InlineData("weight.absmax", "F32", "bitsandbytes")]
    [InlineData("SCB", "F32", "bitsandbytes")]
    [InlineData("weight_scale_2", "F32", "NVFP4")]
    [InlineData("weight_packed", "I32", "compressed-tensors")]
    [InlineData("weight_scale_inv", "F32", "FP8")]
    [InlineData("W_q", "U8", "HQQ")]
    [InlineData("weight._data", "I8", "quanto")]
    public void A_quantised_checkpoint_is_named_by_its_tensors_where_the_config_says_nothing(string ending, string type, string method)
    {
        using FixtureCheckpoint model = new();
        string name = "model.layers.1.mlp.up_proj." + ending;
        model.Drop("model.layers.1.mlp.up_proj.weight").Tensors(tensor => tensor, new FixtureCheckpoint.StoredTensor(name, type, [4], new byte[type[1..] == "8" ? 4 : 16]));

        Assert.Contains($"quantised with {method} (tensor \"{name}\")", Refusal(model.Folder), StringComparison.Ordinal);
    }

    [Fact]
    public void An_MLX_checkpoint_is_named_by_its_packed_words_and_a_tools_file_by_its_name()
    {
        using FixtureCheckpoint model = new();
        model.Replace("model.layers.1.mlp.up_proj.weight", tensor => tensor with { Type = "U32", Shape = [160, 8], Bytes = new byte[160 * 8 * 4] })
            .Tensors(tensor => tensor, new FixtureCheckpoint.StoredTensor("model.layers.1.mlp.up_proj.scales", "F16", [160, 1], new byte[320]));
        Assert.Contains("quantised with MLX (tensor \"model.layers.1.mlp.up_proj.weight\")", Refusal(model.Folder), StringComparison.Ordinal);

        model.Write("hf_quant_config.json", "{}");
        Assert.Contains("quantised with the settings in hf_quant_config.json", Refusal(model.Folder), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("model.decoder.", "model.decoder.")]
    [InlineData("module.model.", "module.model.")]
    [InlineData("_orig_mod.model.", "_orig_mod.model.")]
    [InlineData("language_model.model.", "language_model.model.")]
    [InlineData("transformer.", "transformer.")]
    public void Any_other_prefix_is_named(string prefix, string said)
    {
        using FixtureCheckpoint model = new();
        Rename(model, name => name.StartsWith("model.", StringComparison.Ordinal) ? prefix + name["model.".Length..] : name);

        Assert.Contains($"the names have the prefix \"{said}\" where \"model.\" is expected", Refusal(model.Folder), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gpt_neox", "gpt_neox.")]
    [InlineData("qwen3", "model.")]
    [InlineData("llama_tied_bias_f32", "model.")]
    public void Bare_names_of_any_family_are_those_of_its_decoder_also_once_prepared(string fixture, string prefix)
    {
        using FixtureCheckpoint model = new(fixture);
        string expected = ToolRun.On(model, "logits", "--tokens", "1,2,3").Output;
        Rename(model, name => name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : name);

        Assert.Equal(expected, ToolRun.On(model, "logits", "--tokens", "1,2,3").Output);
        string prepared = model.Beside("prepared");
        Assert.Equal(0, ToolRun.Of("prepare", "--model", model.Folder, "--output", prepared).ExitCode);
        Assert.Equal(expected, ToolRun.Of("logits", "--model", prepared, "--cache-folder", model.Cache, "--tokens", "1,2,3").Output);
    }

    [Fact]
    public void Some_bare_names_beside_whole_ones_are_not_completed()
    {
        using FixtureCheckpoint model = new();
        Rename(model, name => name == "model.norm.weight" ? "norm.weight" : name);

        Assert.Contains("tensor \"model.norm.weight\" is missing", Refusal(model.Folder), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Infinity")]
    [InlineData("-Infinity")]
    [InlineData("NaN")]
    [InlineData("1e999")]
    public void A_number_that_is_not_finite_is_refused_where_it_is_needed(string number)
    {
        foreach (string key in (string[])["rope_theta", "rms_norm_eps", "hidden_size", "sliding_window", "num_key_value_heads"])
        {
            using FixtureCheckpoint model = new("mistral");
            string config = File.ReadAllText(model.FileOf("config.json"));
            JsonObject keys = JsonNode.Parse(config)!.AsObject();
            keys[key] = "HERE";
            model.Write("config.json", keys.ToJsonString().Replace("\"HERE\"", number, StringComparison.Ordinal));

            Assert.Contains($"\"{key}\" is {number}; expected", Refusal(model.Folder), StringComparison.Ordinal);
        }

        using FixtureCheckpoint generation = new();
        generation.Write("generation_config.json", $$"""{ "eos_token_id": [2, {{number}}] }""");
        Assert.Contains($"\"eos_token_id\" is {number}; expected", Refusal(generation.Folder), StringComparison.Ordinal);
    }

    [Fact]
    public void Numbers_that_are_not_finite_may_stand_in_every_file_under_keys_that_nobody_reads()
    {
        using FixtureCheckpoint model = new("llama_rope3_sharded");
        string expected = ToolRun.On(model, "logits", "--tokens", "1,2,3").Output;
        foreach (string file in (string[])["config.json", "model.safetensors.index.json"])
        {
            model.Write(file, "{ \"unread\": [NaN, {\"x\": -Infinity}, Infinity ]," + File.ReadAllText(model.FileOf(file)).TrimStart()[1..]);
        }

        model.Write("generation_config.json", """{ "temperature": NaN }""");
        Assert.Equal(expected, ToolRun.On(model, "logits", "--tokens", "1,2,3").Output);
    }

    private static string Case(string name, string file, [System.Runtime.CompilerServices.CallerFilePath] string thisFile = "") =>
        Path.Combine(Path.GetDirectoryName(thisFile)!, "Cases", name, file);

    private static void Rename(FixtureCheckpoint model, Func<string, string> name) => model.Tensors(tensor => tensor with { Name = name(tensor.Name) });

    private static ToolRun Logits(string model, string tokens) =>
        ToolRun.Of("logits", "--model", model, "--tokens", tokens, "--cache-folder", TestFolders.WeightCache);

    private static string Refusal(string model)
    {
        ToolRun run = Logits(model, "1,2");
        Assert.Equal(1, run.ExitCode);
        Assert.Equal("", run.Output);
        return Assert.Single(run.Complaints);
    }
}
