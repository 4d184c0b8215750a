using System.Text.Json.Nodes;

namespace SpecDecode.Tests.Tool;

[Collection(Alone.Name)]
public sealed class DamagedCheckpointTests
{
    private const string Layer2 = "model.layers.2.";
    private const long MostBytes = 200L << 20;

    private static readonly Dictionary<string, (string Said, Action<FixtureCheckpoint> Damage)> Damages = new()
    {
        ["weights cut in the data"] = ("early", model => Cut(model.Weights, 0.7)),
        ["weights cut in the header"] = ("header", model => Cut(model.Weights, 0.001)),
        ["weights empty"] = ("is empty", model => Cut(model.Weights, 0)),
        ["weights missing"] = ("holds neither", model => File.Delete(model.Weights)),
        ["weights are a folder"] = ("is a folder", model =>
        {
            File.Delete(model.Weights);
            Directory.CreateDirectory(model.Weights);
        }),
        ["bytes behind the weights"] = ("behind the last tensor", model => File.AppendAllText(model.Weights, "more")),
        ["overlapping offsets"] = ("inside tensor", model => model.Header(header =>
        {
            JsonNode offsets = header["model.norm.weight"]!["data_offsets"]!;
            header["model.norm.weight"]!["data_offsets"] = new JsonArray(offsets[0]!.GetValue<long>() - 2, offsets[1]!.GetValue<long>() - 2);
        })),
        ["offsets beyond the file"] = ("early", model => model.Header(header =>
            header["model.norm.weight"]!["data_offsets"] = new JsonArray(1L << 40, (1L << 40) + 128))),
        ["offsets backwards"] = ("begin <= end", model => model.Header(header => header["model.norm.weight"]!["data_offsets"] = new JsonArray(128, 0))),
        ["shape that overflows"] = ("larger than any", model => model.Header(header =>
            header["lm_head.weight"]!["shape"] = new JsonArray(1L << 62, 1L << 62))),
        ["shape that is not its bytes"] = ("takes", model => model.Header(header => header["lm_head.weight"]!["shape"] = new JsonArray(512, 65))),
        ["no final norm"] = ("\"model.norm.weight\" is missing", model => model.Drop("model.norm.weight")),
        ["no norm before attention"] = ("input_layernorm.weight\" is missing", model => model.Drop(Layer2 + "input_layernorm.weight")),
        ["no norm before the MLP"] = ("post_attention_layernorm.weight\" is missing", model => model.Drop(Layer2 + "post_attention_layernorm.weight")),
        ["no q_proj"] = ("q_proj.weight\" is missing", model => model.Drop(Layer2 + "self_attn.q_proj.weight")),
        ["no k_proj"] = ("k_proj.weight\" is missing", model => model.Drop(Layer2 + "self_attn.k_proj.weight")),
        ["no v_proj"] = ("v_proj.weight\" is missing", model => model.Drop(Layer2 + "self_attn.v_proj.weight")),
        ["no o_proj"] = ("o_proj.weight\" is missing", model => model.Drop(Layer2 + "self_attn.o_proj.weight")),
        ["no gate_proj"] = ("gate_proj.weight\" is missing", model => model.Drop(Layer2 + "mlp.gate_proj.weight")),
        ["no up_proj"] = ("up_proj.weight\" is missing", model => model.Drop(Layer2 + "mlp.up_proj.weight")),
        ["no down_proj"] = ("down_proj.weight\" is missing", model => model.Drop(Layer2 + "mlp.down_proj.weight")),
        ["no embedding"] = ("embed_tokens.weight\" is missing", model => model.Drop("model.embed_tokens.weight")),
        ["no lm_head though untied"] = ("\"lm_head.weight\" is missing", model => model.Drop("lm_head.weight")),
        ["no biases though the config has them"] = ("q_proj.bias\" is missing", model => model.Config(("attention_bias", true))),
        ["no MLP biases though the config has them"] = ("gate_proj.bias\" is missing", model => model.Config(("mlp_bias", true))),
        ["transposed down_proj"] = ("has the shape [160, 64]; expected [64, 160]", model =>
            model.Replace(Layer2 + "mlp.down_proj.weight", tensor => tensor with { Shape = [160, 64] })),
        ["a norm as a matrix"] = ("has the shape [1, 64]", model => model.Replace("model.norm.weight", tensor => tensor with { Shape = [1, 64] })),
        ["a flat projection"] = ("has the shape [4096]", model => model.Replace(Layer2 + "self_attn.q_proj.weight", tensor => tensor with { Shape = [4096] })),
        ["int8 where floats are needed"] = ("has the type I8", model => model.Replace(
            Layer2 + "self_attn.q_proj.weight", tensor => tensor with { Type = "I8", Bytes = tensor.Bytes[..4096] })),
        ["an unknown type where floats are needed"] = ("has the type X4", model => model.Replace(
            Layer2 + "self_attn.q_proj.weight", tensor => tensor with { Type = "X4" })),
        ["unknown model_type"] = ("is 'mamba', a family that is not supported", model => model.Config(("model_type", "mamba"))),
        ["model_type missing"] = ("\"model_type\" is missing", model => model.Config(("model_type", null))),
        ["model_type a number"] = ("\"model_type\" is 7", model => model.Config(("model_type", 7))),
        ["unknown rope type"] = ("is 'dynamic', a rotary scaling that is not supported", model => model.Config(("rope_scaling", new JsonObject { ["rope_type"] = "dynamic" }))),
        ["rope without its factor"] = ("\"rope_scaling.factor\" is missing", model => model.Config(("rope_scaling", new JsonObject { ["type"] = "linear" }))),
        ["rope factor 0"] = ("\"rope_scaling.factor\" is 0", model => model.Config(("rope_scaling", new JsonObject { ["type"] = "linear", ["factor"] = 0 }))),
        ["rope_scaling a text"] = ("\"rope_scaling\" is", model => model.Config(("rope_scaling", "linear"))),
        ["rope_theta negative"] = ("\"rope_theta\" is -1", model => model.Config(("rope_theta", -1))),
        ["rotary part above 1"] = ("\"head_dim\"", model => model.Config(("partial_rotary_factor", 1.5))),
        ["unknown activation"] = ("is 'snake', an activation that is not supported", model => model.Config(("hidden_act", "snake"))),
        ["hidden_size 2^31-1"] = ("\"hidden_size\" is 2147483647", model => model.Config(("hidden_size", int.MaxValue))),
        ["hidden_size 2^20"] = ("expected", model => model.Config(("hidden_size", 1 << 20))),
        ["hidden_size beyond 32 bits"] = ("\"hidden_size\" is", model => model.Config(("hidden_size", 1L << 40))),
        ["hidden_size missing"] = ("\"hidden_size\" is missing", model => model.Config(("hidden_size", null))),
        ["hidden_size a text"] = ("\"hidden_size\" is \"64\"; expected", model => model.Config(("hidden_size", "64"))),
        ["hidden_size 64.5"] = ("\"hidden_size\" is 64.5", model => model.Config(("hidden_size", 64.5))),
        ["num_hidden_layers 10^9"] = ("model.layers.4.", model => model.Config(("num_hidden_layers", 1_000_000_000))),
        ["num_hidden_layers 0"] = ("\"num_hidden_layers\" is 0", model => model.Config(("num_hidden_layers", 0))),
        ["vocab_size too large"] = ("[512, 64]; expected [513, 64]", model => model.Config(("vocab_size", 513))),
        ["vocab_size too small"] = ("[512, 64]; expected [511, 64]", model => model.Config(("vocab_size", 511))),
        ["vocab_size 2^31-1"] = ("\"vocab_size\" is 2147483647", model => model.Config(("vocab_size", int.MaxValue))),
        ["vocab_size 2^24"] = ("expected [16777216, 64]", model => model.Config(("vocab_size", 1 << 24))),
        ["num_attention_heads 0"] = ("\"num_attention_heads\" is 0", model => model.Config(("num_attention_heads", 0))),
        ["num_attention_heads 2^31-1"] = ("\"num_attention_heads\" is", model => model.Config(("num_attention_heads", int.MaxValue))),
        ["num_attention_heads negative"] = ("\"num_attention_heads\" is -4", model => model.Config(("num_attention_heads", -4))),
        ["kv heads do not divide"] = ("\"num_key_value_heads\" is 3, which does not divide", model => model.Config(("num_key_value_heads", 3))),
        ["more kv heads than heads"] = ("does not divide", model => model.Config(("num_key_value_heads", 8))),
        ["fewer kv heads than the weights"] = ("k_proj.weight\" has the shape [32, 64]; expected [16, 64]", model => model.Config(("num_key_value_heads", 1))),
        ["head_dim 3"] = ("\"head_dim\"", model => model.Config(("head_dim", 3))),
        ["head_dim 1"] = ("\"head_dim\"", model => model.Config(("head_dim", 1))),
        ["head_dim of another model"] = ("has the shape [64, 64]; expected [128, 64]", model => model.Config(("head_dim", 32))),
        ["head_dim 2^31-1"] = ("\"head_dim\"", model => model.Config(("head_dim", int.MaxValue))),
        ["head_dim and heads huge"] = ("\"head_dim\"", model => model.Config(
            ("head_dim", 1 << 14), ("num_attention_heads", 1 << 12), ("num_key_value_heads", 1 << 12))),
        ["heads huge"] = ("expected", model => model.Config(("head_dim", 1 << 10), ("num_attention_heads", 1 << 12), ("num_key_value_heads", 1 << 12))),
        ["head_dim absent and indivisible"] = ("\"head_dim\"", model => model.Config(("head_dim", null), ("num_attention_heads", 6), ("num_key_value_heads", 6))),
        ["intermediate_size huge"] = ("\"intermediate_size\" is", model => model.Config(("intermediate_size", int.MaxValue))),
        ["intermediate_size 2^24"] = ("gate_proj.weight\" has the shape [160, 64]", model => model.Config(("intermediate_size", 1 << 24))),
        ["max_position_embeddings 2^31-1"] = ("\"max_position_embeddings\" is 2147483647", model => model.Config(("max_position_embeddings", int.MaxValue))),
        ["max_position_embeddings 0"] = ("\"max_position_embeddings\" is 0", model => model.Config(("max_position_embeddings", 0))),
        ["rms_norm_eps a text"] = ("\"rms_norm_eps\" is", model => model.Config(("rms_norm_eps", "abc"))),
        ["rms_norm_eps negative"] = ("\"rms_norm_eps\" is -1", model => model.Config(("rms_norm_eps", -1))),
        ["tie_word_embeddings a text"] = ("\"tie_word_embeddings\" is", model => model.Config(("tie_word_embeddings", "no"))),
        ["eos_token_id a text"] = ("\"eos_token_id\" is", model => model.Config(("eos_token_id", "</s>"))),
        ["eos_token_id of texts"] = ("\"eos_token_id\" is", model => model.Config(("eos_token_id", new JsonArray("</s>")))),
        ["config an array"] = ("an array of 2", model => model.Write("config.json", "[1, 2]")),
        ["config a text"] = ("JSON object is expected", model => model.Write("config.json", "\"llama\"")),
        ["config empty"] = ("config.json", model => model.Write("config.json", "")),
        ["config an empty object"] = ("\"model_type\" is missing", model => model.Write("config.json", "{}")),
        ["config not JSON"] = ("not valid JSON at line 2", model => model.Write("config.json", "{\n\"a\": x }")),
        ["config nested deeply"] = ("config.json", model => model.Write("config.json", "{\"a\":" + new string('[', 100_000))),
        ["config not UTF-8"] = ("not valid UTF-8", model => File.WriteAllBytes(model.FileOf("config.json"), [(byte)'{', 0xFF, (byte)'}'])),
        ["config missing"] = ("config.json", model => File.Delete(model.FileOf("config.json"))),
        ["generation_config not JSON"] = ("generation_config.json", model => model.Write("generation_config.json", "nothing")),
        ["generation_config eos a text"] = ("generation_config.json", model => model.Write("generation_config.json", """{ "eos_token_id": "x" }""")),
        ["tokenizer not JSON"] = ("tokenizer.json", model => model.Write("tokenizer.json", "{")),
        ["tokenizer empty"] = ("tokenizer.json", model => model.Write("tokenizer.json", "")),
        ["tokenizer with a merge of nothing"] = ("tokenizer.json", model =>
            model.Write("tokenizer.json", """{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": ["a c"] } }""")),
        ["folder missing"] = ("does not exist", model => Directory.Delete(model.Folder, recursive: true)),
        ["folder is a file"] = ("is a file", model =>
        {
            Directory.Delete(model.Folder, recursive: true);
            File.WriteAllText(model.Folder, "not a folder");
        }),
        ["only PyTorch weights"] = ("only safetensors are read", model => File.Move(model.Weights, model.FileOf("pytorch_model.bin"))),
        ["every weight NaN"] = ("is NaN", model => model.Tensors(tensor => tensor with { Bytes = [.. tensor.Bytes.Select(_ => (byte)0xFF)] })),
        ["one NaN in the embedding of token 10"] = ("is NaN", model => model.Replace(
            "model.embed_tokens.weight", tensor => tensor with { Bytes = [.. tensor.Bytes[..1280], 0xC0, 0x7F, .. tensor.Bytes[1282..]] })),
    };

    private static readonly Dictionary<string, (string Said, Action<FixtureCheckpoint> Damage)> ShardDamages = new()
    {
        ["a shard missing"] = ("model-00002-of-00002.safetensors: is missing", model => File.Delete(model.FileOf("model-00002-of-00002.safetensors"))),
        ["a shard cut"] = ("early", model => Cut(model.FileOf("model-00002-of-00002.safetensors"), 0.9)),
        ["the same shard twice"] = ("should be in model-00002-of-00002.safetensors, and no shard has it", model =>
            File.Copy(model.FileOf("model-00001-of-00002.safetensors"), model.FileOf("model-00002-of-00002.safetensors"), overwrite: true)),
        ["an index out of the folder"] = ("expected the plain name", model => EditIndex(model, index =>
            index["weight_map"]!["model.norm.weight"] = "../model-00002-of-00002.safetensors")),
        ["an index with a full path"] = ("expected the plain name", model => EditIndex(model, index =>
            index["weight_map"]!["model.norm.weight"] = model.FileOf("model-00002-of-00002.safetensors"))),
        ["an index to the other shard"] = ("should be in", model => EditIndex(model, index =>
            index["weight_map"]!["model.embed_tokens.weight"] = "model-00002-of-00002.safetensors")),
        ["an index without a needed tensor"] = ("\"model.norm.weight\" is missing", model => EditIndex(model, index =>
            index["weight_map"]!.AsObject().Remove("model.norm.weight"))),
        ["a needed tensor that only the index has"] = ("no shard has it", model =>
        {
            model.Config(("num_hidden_layers", 6));
            EditIndex(model, index => index["weight_map"]!["model.layers.5.input_layernorm.weight"] = "model-00001-of-00002.safetensors");
        }),
        ["an index of nothing"] = ("is empty", model => model.Write("model.safetensors.index.json", """{ "weight_map": {} }""")),
        ["an index that is no JSON"] = ("not valid JSON", model => model.Write("model.safetensors.index.json", "{")),
    };

    public static TheoryData<string> Names => [.. Damages.Keys];

    public static TheoryData<string> ShardNames => [.. ShardDamages.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_damaged_or_lying_checkpoint_ends_in_one_sentence_exit_code_1_and_little_memory(string name) =>
        AssertRefused("llama_base", Damages[name].Damage, Damages[name].Said);

    [Theory]
    [MemberData(nameof(ShardNames))]
    public void A_damaged_set_of_shards_ends_in_one_sentence_exit_code_1_and_little_memory(string name) =>
        AssertRefused("llama_rope3_sharded", ShardDamages[name].Damage, ShardDamages[name].Said);

    [Fact]
    public void Tensors_that_the_model_does_not_need_may_be_of_any_type()
    {
        using FixtureCheckpoint model = new();
        string sound = ToolRun.On(model, "logits", "--tokens", "1,2,3").Output;
        model.Tensors(
            tensor => tensor,
            new("model.layers.0.self_attn.rotary_emb.inv_freq", "F64", [2], new byte[16]),
            new("quantized", "I8", [3], new byte[3]),
            new("mask", "BOOL", [1], [1]),
            new("invented", "Q5_K", [7], new byte[9]));
        ToolRun run = ToolRun.On(model, "logits", "--tokens", "1,2,3");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(sound, run.Output);
    }

    [Fact]
    public void An_absent_lm_head_is_the_embedding_only_where_the_config_or_the_family_says_so()
    {
        using FixtureCheckpoint model = new();
        byte[] embedding = [];
        model.Tensors(tensor =>
        {
            embedding = tensor.Name == "model.embed_tokens.weight" ? tensor.Bytes : embedding;
            return tensor;
        });
        model.Replace("lm_head.weight", tensor => tensor with { Bytes = embedding });
        string untied = ToolRun.On(model, "logits", "--tokens", "1,2,3").Output;
        model.Config(("tie_word_embeddings", true));
        Assert.Equal(untied, ToolRun.On(model, "logits", "--tokens", "1,2,3").Output);
        model.Drop("lm_head.weight");
        Assert.Equal(untied, ToolRun.On(model, "logits", "--tokens", "1,2,3").Output);

        model.Config(("tie_word_embeddings", null));
        ToolRun silent = ToolRun.On(model, "logits", "--tokens", "1,2,3");
        Assert.Equal(1, silent.ExitCode);
        Assert.Contains("\"tie_word_embeddings\" is absent, and so false, and tensor \"lm_head.weight\" is missing", Assert.Single(silent.Complaints), StringComparison.Ordinal);
    }

    internal static void AssertRefused(string fixture, Action<FixtureCheckpoint> damage, string said)
    {
        using FixtureCheckpoint model = new(fixture);
        damage(model);
        long before = GC.GetTotalAllocatedBytes();
        ToolRun run = ToolRun.On(model, "generate", "--tokens", "10,2,3", "--max-tokens", "4", "--json");
        long allocated = GC.GetTotalAllocatedBytes() - before;

        Assert.Equal(1, run.ExitCode);
        Assert.Equal("", run.Output);
        string complaint = Assert.Single(run.Complaints);
        Assert.StartsWith("specdecode: ", complaint, StringComparison.Ordinal);
        Assert.Contains(said, complaint, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", run.Error, StringComparison.Ordinal);
        Assert.InRange(allocated, 0, MostBytes);
        Assert.False(Directory.Exists(model.Cache) && Directory.EnumerateFiles(model.Cache, "*.tmp").Any());
    }

    private static void Cut(string path, double share)
    {
        using FileStream file = File.OpenWrite(path);
        file.SetLength((long)(file.Length * share));
    }

    private static void EditIndex(FixtureCheckpoint model, Action<JsonNode> edit)
    {
        JsonNode index = JsonNode.Parse(File.ReadAllText(model.FileOf("model.safetensors.index.json")))!;
        edit(index);
        model.Write("model.safetensors.index.json", index.ToJsonString());
    }
}
