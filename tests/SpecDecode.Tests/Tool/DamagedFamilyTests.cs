using System.Text.Json.Nodes;

namespace SpecDecode.Tests.Tool;

[Collection(Alone.Name)]
public sealed class DamagedFamilyTests
{
    private static readonly Dictionary<string, (string Said, Action<FixtureCheckpoint> Damage)> Damages = new()
    {
        ["mistral: window 0"] = ("\"sliding_window\" is 0", model => model.Config(("sliding_window", 0))),
        ["mistral: window a text"] = ("\"sliding_window\" is \"all\"", model => model.Config(("sliding_window", "all"))),
        ["mistral: window beyond 32 bits"] = ("\"sliding_window\" is", model => model.Config(("sliding_window", 1L << 40))),
        ["mistral: biases that are not there"] = ("q_proj.bias\" is missing", model => model.Config(("attention_bias", true))),
        ["qwen2: no bias of k"] = ("k_proj.bias\" is missing", model => model.Drop("model.layers.1.self_attn.k_proj.bias")),
        ["qwen2: no bias of q"] = ("q_proj.bias\" is missing", model => model.Drop("model.layers.1.self_attn.q_proj.bias")),
        ["qwen2: biases that the config denies"] = ("q_proj.bias\" is there, but config.json says", model => model.Config(("attention_bias", false))),
        ["qwen2: bias of another width"] = ("q_proj.bias\" has the shape [32]; expected [64]", model => model.Replace(
            "model.layers.0.self_attn.q_proj.bias", tensor => tensor with { Shape = [32], Bytes = tensor.Bytes[..64] })),
        ["qwen2: first window layer below 0"] = ("\"max_window_layers\" is -1", model => model.Config(("max_window_layers", -1))),
        ["qwen2: window switch a number"] = ("\"use_sliding_window\" is 1", model => model.Config(("use_sliding_window", 1))),
        ["qwen2: too few layer types"] = ("\"layer_types\" has 3 entries, but num_hidden_layers is 4", model => model.Config(
            ("layer_types", new JsonArray("full_attention", "full_attention", "full_attention")))),
        ["qwen2: too many layer types"] = ("\"layer_types\" has 5 entries", model => model.Config(("layer_types", Repeated("full_attention", 5)))),
        ["qwen2: unknown layer type"] = ("has 'linear_attention', a kind of layer that is not supported", model => model.Config(
            ("layer_types", Repeated("linear_attention", 4)))),
        ["qwen2: layer types of numbers"] = ("\"layer_types\" is 1", model => model.Config(("layer_types", new JsonArray(1, 1, 1, 1)))),
        ["qwen2: rotary embedding by sections"] = ("is 'mrope', a rotary scaling that is not supported", model => model.Config(
            ("rope_scaling", new JsonObject { ["type"] = "mrope", ["mrope_section"] = new JsonArray(16, 24, 24) }))),
        ["qwen3: no norm of queries"] = ("q_norm.weight\" is missing", model => model.Drop("model.layers.3.self_attn.q_norm.weight")),
        ["qwen3: no norm of keys"] = ("k_norm.weight\" is missing", model => model.Drop("model.layers.3.self_attn.k_norm.weight")),
        ["qwen3: norm over all heads"] = ("q_norm.weight\" has the shape [128]; expected [32]", model => model.Replace(
            "model.layers.0.self_attn.q_norm.weight", tensor => tensor with { Shape = [128], Bytes = new byte[256] })),
        ["qwen3: head_dim null"] = ("\"head_dim\" is null", model => model.Config(("head_dim", null))),
        ["phi3: no fused projection"] = ("qkv_proj.weight\" is missing", model => model.Drop("model.layers.2.self_attn.qkv_proj.weight")),
        ["phi3: no fused gate"] = ("gate_up_proj.weight\" is missing", model => model.Drop("model.layers.2.mlp.gate_up_proj.weight")),
        ["phi3: more key heads than the matrix"] = ("qkv_proj.weight\" has the shape [160, 96]; expected [288, 96]", model => model.Config(("num_key_value_heads", 3))),
        ["phi3: heads huge"] = ("expected", model => model.Config(("head_dim", 1 << 10), ("num_attention_heads", 1 << 12), ("num_key_value_heads", 1 << 12))),
        ["phi3: longrope without divisors"] = ("\"rope_scaling.short_factor\" has 0 numbers; expected 12", model => model.Config(
            ("rope_scaling", new JsonObject { ["type"] = "longrope" }))),
        ["phi3: longrope with the wrong number of divisors"] = ("\"rope_scaling.short_factor\" has 16 numbers; expected 12", model => model.Config(
            ("rope_scaling", new JsonObject { ["type"] = "longrope", ["short_factor"] = Repeated(1.0, 16), ["long_factor"] = Repeated(1.0, 16) }))),
        ["phi3: longrope with a divisor of 0"] = ("\"rope_scaling.long_factor\" has 12 numbers; expected 12 above 0", model => model.Config(
            ("rope_scaling", new JsonObject { ["type"] = "longrope", ["short_factor"] = Repeated(1.0, 12), ["long_factor"] = Repeated(0.0, 12) }))),
        ["phi3: rotary part above 1"] = ("holds no pairs of channels", model => model.Config(("partial_rotary_factor", 1.25))),
        ["gemma2: no norm behind the MLP"] = ("post_feedforward_layernorm.weight\" is missing", model =>
            model.Drop("model.layers.4.post_feedforward_layernorm.weight")),
        ["gemma2: no norm before the MLP"] = ("pre_feedforward_layernorm.weight\" is missing", model =>
            model.Drop("model.layers.4.pre_feedforward_layernorm.weight")),
        ["gemma2: bound of the scores 0"] = ("\"attn_logit_softcapping\" is 0", model => model.Config(("attn_logit_softcapping", 0))),
        ["gemma2: bound of the logits below 0"] = ("\"final_logit_softcapping\" is -30", model => model.Config(("final_logit_softcapping", -30))),
        ["gemma2: score scalar 0"] = ("\"query_pre_attn_scalar\" is 0", model => model.Config(("query_pre_attn_scalar", 0))),
        ["gemma2: unknown activation"] = ("\"hidden_activation\" is 'snake'", model => model.Config(("hidden_activation", "snake"))),
        ["gemma2: sees later positions"] = ("\"use_bidirectional_attention\" is true", model => model.Config(("use_bidirectional_attention", true))),
        ["smollm3: too few rotary flags"] = ("\"no_rope_layers\" has 2 entries, but num_hidden_layers is 6", model => model.Config(
            ("no_rope_layers", new JsonArray(1, 0)))),
        ["smollm3: a rotary flag of 2"] = ("\"no_rope_layers\" has a number other than 0 and 1", model => model.Config(("no_rope_layers", Repeated(2, 6)))),
        ["smollm3: rotary flags of texts"] = ("\"no_rope_layers\" is", model => model.Config(("no_rope_layers", Repeated("yes", 6)))),
        ["smollm3: interval 0"] = ("\"no_rope_layer_interval\" is 0", model => model.Config(("no_rope_layers", null), ("no_rope_layer_interval", 0))),
        ["olmo2: norm of queries by head"] = ("q_norm.weight\" has the shape [16]; expected [64]", model => model.Replace(
            "model.layers.1.self_attn.q_norm.weight", tensor => tensor with { Shape = [16], Bytes = tensor.Bytes[..32] })),
        ["olmo2: no norm behind the attention"] = ("post_attention_layernorm.weight\" is missing", model =>
            model.Drop("model.layers.1.post_attention_layernorm.weight")),
        ["gpt_neox: no bias of a norm"] = ("input_layernorm.bias\" is missing", model => model.Drop("gpt_neox.layers.1.input_layernorm.bias")),
        ["gpt_neox: no bias of the MLP"] = ("dense_h_to_4h.bias\" is missing", model => model.Drop("gpt_neox.layers.1.mlp.dense_h_to_4h.bias")),
        ["gpt_neox: no bias of q, k and v"] = ("query_key_value.bias\" is missing", model => model.Drop("gpt_neox.layers.1.attention.query_key_value.bias")),
        ["gpt_neox: biases that the config denies"] = ("query_key_value.bias\" is there, but config.json says", model => model.Config(("attention_bias", false))),
        ["gpt_neox: shared key heads"] = ("\"num_key_value_heads\" is 1, but every head", model => model.Config(("num_key_value_heads", 1))),
        ["gpt_neox: no head though untied"] = ("embed_out.weight\" is missing", model => model.Drop("embed_out.weight")),
        ["gpt_neox: rotary part 0"] = ("\"rotary_pct\" is 0", model => model.Config(("rotary_pct", 0))),
        ["gpt_neox: rotary base below 0"] = ("\"rotary_emb_base\" is -1", model => model.Config(("rotary_emb_base", -1))),
        ["gpt_neox: parallel residual a text"] = ("\"use_parallel_residual\" is", model => model.Config(("use_parallel_residual", "yes"))),
        ["gpt_neox: another family's tensors"] = ("gpt_neox.embed_in.weight\" is missing", model => model.Drop("gpt_neox.embed_in.weight")),
    };

    public static TheoryData<string> Names => [.. Damages.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_damaged_or_lying_checkpoint_of_any_family_ends_in_one_sentence_exit_code_1_and_little_memory(string name) =>
        DamagedCheckpointTests.AssertRefused(name[..name.IndexOf(':', StringComparison.Ordinal)], Damages[name].Damage, Damages[name].Said);

    private static JsonArray Repeated<T>(T value, int count) => [.. Enumerable.Repeat(value, count).Select(item => JsonValue.Create(item))];
}
