"""Writes tiny random checkpoints, and beside each what reference.py says that it computes (expected.json).

    python3 make_fixtures.py FOLDER            # the variants of the families that the tests hold
    python3 make_fixtures.py FOLDER random N   # N random ones, for looking further
    python3 make_fixtures.py FOLDER layers     # what layers do to each one's tokens, into layers.json here

Needs NumPy.
"""
import json
import math
import os
import random
import struct
import sys

import numpy as np

from reference import Reference, head_size, key_value_heads, setting, top_margins

TOKENS, PROMPT, STEPS = 40, 8, 48

# ---------------------------------------------------------------- weights


def stored(x, dtype):
    x = x.astype(np.float32)
    if dtype == "BF16":
        bits = x.view(np.uint32).astype(np.uint64)
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16).tobytes()
    return x.astype({"F32": "<f4", "F16": "<f2"}[dtype]).tobytes()


def write_safetensors(path, tensors, dtype):
    head, data = {}, b""
    for name, value in tensors.items():
        raw = stored(value, dtype)
        head[name] = {"dtype": dtype, "shape": list(value.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(head).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def shapes(cfg):
    """Names and shapes of a family's tensors, in order."""
    kind, d, heads = cfg["model_type"], cfg["hidden_size"], cfg["num_attention_heads"]
    kv, hd = key_value_heads(cfg), head_size(cfg)
    inner, vocab = cfg["intermediate_size"], cfg["vocab_size"]
    out = {}

    def linear(name, rows, columns, bias):
        out[name + ".weight"] = (rows, columns)
        if bias:
            out[name + ".bias"] = (rows,)

    neox = kind == "gpt_neox"
    out["gpt_neox.embed_in.weight" if neox else "model.embed_tokens.weight"] = (vocab, d)
    for i in range(cfg["num_hidden_layers"]):
        p = ("gpt_neox.layers.%d." if neox else "model.layers.%d.") % i
        if neox:
            for norm in ("input_layernorm", "post_attention_layernorm"):
                out[p + norm + ".weight"] = out[p + norm + ".bias"] = (d,)
            linear(p + "attention.query_key_value", 3 * heads * hd, d, setting(cfg, "attention_bias"))
            linear(p + "attention.dense", d, heads * hd, setting(cfg, "attention_bias"))
            linear(p + "mlp.dense_h_to_4h", inner, d, True)
            linear(p + "mlp.dense_4h_to_h", d, inner, True)
            continue
        norms = {"olmo2": ("post_attention_layernorm", "post_feedforward_layernorm"),
                 "gemma2": ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm",
                            "post_feedforward_layernorm")}.get(kind, ("input_layernorm", "post_attention_layernorm"))
        for norm in norms:
            out[p + norm + ".weight"] = (d,)
        bias = cfg.get("attention_bias", False)
        a = p + "self_attn."
        if kind == "phi3":
            linear(a + "qkv_proj", (heads + 2 * kv) * hd, d, bias)
            linear(p + "mlp.gate_up_proj", 2 * inner, d, False)
        else:
            linear(a + "q_proj", heads * hd, d, bias or kind == "qwen2")
            linear(a + "k_proj", kv * hd, d, bias or kind == "qwen2")
            linear(a + "v_proj", kv * hd, d, bias or kind == "qwen2")
            linear(p + "mlp.gate_proj", inner, d, cfg.get("mlp_bias", False))
            linear(p + "mlp.up_proj", inner, d, cfg.get("mlp_bias", False))
        linear(a + "o_proj", d, heads * hd, bias)
        linear(p + "mlp.down_proj", d, inner, cfg.get("mlp_bias", False))
        if kind == "qwen3":
            out[a + "q_norm.weight"] = out[a + "k_norm.weight"] = (hd,)
        if kind == "olmo2":
            out[a + "q_norm.weight"], out[a + "k_norm.weight"] = (heads * hd,), (kv * hd,)
    if neox:
        out["gpt_neox.final_layer_norm.weight"] = out["gpt_neox.final_layer_norm.bias"] = (d,)
    else:
        out["model.norm.weight"] = (d,)
    if not setting(cfg, "tie_word_embeddings"):
        out["embed_out.weight" if neox else "lm_head.weight"] = (vocab, d)
    return out


def weights(cfg, rng):
    around = 0.0 if cfg["model_type"] == "gemma2" else 1.0
    out = {}
    for name, shape in shapes(cfg).items():
        if "norm" in name and name.endswith("weight"):
            value = around + 0.3 * rng.standard_normal(shape)
        elif name.endswith("bias"):
            value = 0.15 * rng.standard_normal(shape)
        elif "embed" in name and "embed_out" not in name:
            value = rng.standard_normal(shape)
        else:
            value = 1.5 / math.sqrt(shape[1]) * rng.standard_normal(shape)
        out[name] = value
    return out

# ---------------------------------------------------------------- folders


def results(m, ids, **kw):
    y = m.forward(ids, **kw).logits
    return {"logits_last": [round(float(v), 6) for v in y[-1]],
            "argmax_per_position": [int(v) for v in y.argmax(axis=-1)],
            "margin_per_position": [float("%.6g" % v) for v in top_margins(y)]}


def write(folder, cfg, dtype="BF16", shards=1, seed=0):
    rng = np.random.default_rng(seed)
    os.makedirs(folder, exist_ok=True)
    json.dump(cfg, open(os.path.join(folder, "config.json"), "w"), indent=2, sort_keys=True)
    tensors = weights(cfg, rng)
    if shards == 1:
        write_safetensors(os.path.join(folder, "model.safetensors"), tensors, dtype)
    else:
        names, where = list(tensors), {}
        for k in range(shards):
            part = names[k * len(names) // shards:(k + 1) * len(names) // shards]
            file = "model-%05d-of-%05d.safetensors" % (k + 1, shards)
            write_safetensors(os.path.join(folder, file), {n: tensors[n] for n in part}, dtype)
            where.update({n: file for n in part})
        json.dump({"metadata": {}, "weight_map": where}, open(os.path.join(folder, "model.safetensors.index.json"), "w"))
    m = Reference(folder)
    ids = [int(v) for v in rng.integers(0, cfg["vocab_size"], TOKENS)]
    layers = cfg["num_hidden_layers"]
    greedy, margins = m.greedy(ids[:PROMPT], STEPS)
    attention, mlp = {1, layers - 1}, {0 if layers < 5 else 2, layers - 1}
    skips = dict(skip_attention=attention, skip_mlp=mlp)
    skip_greedy, skip_margins = m.greedy(ids[:PROMPT], STEPS, **skips)
    expected = {"tokens": ids, **results(m, ids), "greedy_prompt_length": PROMPT, "greedy": greedy,
                "greedy_margin": [float("%.6g" % v) for v in margins],
                "exit_layer": {str(e): results(m, ids, exit_layer=e) for e in range(1, layers)},
                "skip": {"attention": sorted(attention), "mlp": sorted(mlp), **results(m, ids, **skips),
                         "greedy": skip_greedy, "greedy_margin": [float("%.6g" % v) for v in skip_margins]}}
    json.dump(expected, open(os.path.join(folder, "expected.json"), "w"))


def config(kind, **changes):
    cfg = {"model_type": kind, "hidden_size": 48, "intermediate_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2,
           "num_hidden_layers": 3, "vocab_size": 96, "max_position_embeddings": 128, "hidden_act": "silu", "rms_norm_eps": 1e-5,
           "rope_theta": 10000.0, "tie_word_embeddings": False, "eos_token_id": 2}
    if kind == "gpt_neox":
        for key in ("num_key_value_heads", "rms_norm_eps", "rope_theta"):
            del cfg[key]
        cfg.update(layer_norm_eps=1e-5, hidden_act="gelu", rotary_pct=0.25, rotary_emb_base=10000)
    if kind == "gemma2":
        cfg.update(hidden_act="gelu_pytorch_tanh", hidden_activation="gelu_pytorch_tanh", query_pre_attn_scalar=20,
                   attn_logit_softcapping=5.0, final_logit_softcapping=15.0, sliding_window=8, head_dim=16)
        del cfg["tie_word_embeddings"]
        cfg["tie_word_embeddings"] = True
    if kind in ("qwen2", "qwen3"):
        cfg.update(use_sliding_window=False, sliding_window=8, max_window_layers=1)
    cfg.update(changes)
    return {key: value for key, value in cfg.items() if value != "absent"}


SLIDING, FULL = "sliding_attention", "full_attention"
FACTORS = dict(short_factor=[1.0, 1.05, 1.2, 1.5, 1.6, 2.0], long_factor=[1.1, 1.9, 4.0, 7.5, 13.0, 20.0])

VARIANTS = {
    "mistral_no_window_mqa": (config("mistral", sliding_window=None, num_key_value_heads=1, head_dim=10), "F16"),
    "mistral_window_1": (config("mistral", sliding_window=1, tie_word_embeddings=True, hidden_act="gelu"), "F32"),
    "qwen2_windows_by_depth": (config("qwen2", use_sliding_window=True, tie_word_embeddings=True), "BF16"),
    "qwen2_windows_by_type_yarn": (config(
        "qwen2", use_sliding_window=True, layer_types=[SLIDING, FULL, SLIDING], rope_theta="absent", head_dim=16, rope_parameters={
            "rope_type": "yarn", "rope_theta": 1000.0, "factor": 4.0, "original_max_position_embeddings": 32}), "F16"),
    "qwen3_bias_head_24": (config("qwen3", attention_bias=True, head_dim=24, use_sliding_window=True, tie_word_embeddings=True), "BF16"),
    "qwen3_mqa_linear": (config("qwen3", rms_norm_eps=1e-2, num_key_value_heads=1, head_dim=8, rope_scaling={"rope_type": "linear", "factor": 3.0}), "F32"),
    "phi3_longrope_long": (config(
        "phi3", original_max_position_embeddings=32, sliding_window=None, rope_scaling={"type": "longrope", **FACTORS}), "BF16"),
    "phi3_longrope_short": (config(
        "phi3", num_key_value_heads=4, original_max_position_embeddings=64, sliding_window=20, rope_scaling={"type": "su", **FACTORS}), "F16"),
    "phi3_longrope_between": (config("phi3", rope_theta="absent", head_dim=20, rope_parameters={
        "rope_type": "longrope", "rope_theta": 500.0, "partial_rotary_factor": 0.6, "original_max_position_embeddings": 48, **FACTORS}), "F32"),
    "phi3_part_odd": (config("phi3", partial_rotary_factor=0.25, head_dim=20, tie_word_embeddings=True), "BF16"),
    "gemma2_no_caps_types": (config(
        "gemma2", attn_logit_softcapping=None, final_logit_softcapping=None, layer_types=[FULL, SLIDING, FULL],
        query_pre_attn_scalar=256, attention_bias=True, hidden_activation="gelu", hidden_act="gelu"), "F32"),
    "gemma2_window_wide_head_40": (config("gemma2", sliding_window=4096, head_dim=40, num_key_value_heads=1, tie_word_embeddings=False), "BF16"),
    "smollm3_interval_windows": (config(
        "smollm3", no_rope_layer_interval=2, use_sliding_window=True, sliding_window=6, attention_bias=True, mlp_bias=True,
        tie_word_embeddings=True, num_hidden_layers=4), "F16"),
    "smollm3_types": (config(
        "smollm3", no_rope_layers=[0, 1, 0], use_sliding_window=True, sliding_window=9, layer_types=[FULL, SLIDING, FULL], head_dim=20), "BF16"),
    "olmo2_bias_head_12": (config("olmo2", attention_bias=True, head_dim=12, num_key_value_heads=4, tie_word_embeddings=True), "F16"),
    "olmo2_mqa": (config("olmo2", rms_norm_eps=1e-2, num_key_value_heads=1, head_dim=40, rope_theta=500000.0, num_attention_heads=3), "F32"),
    "gpt_neox_in_turn": (config("gpt_neox", use_parallel_residual=False, attention_bias=False, rotary_pct=1.0), "F16"),
    "gpt_neox_tied_newer_keys": (config(
        "gpt_neox", hidden_act="gelu_new", tie_word_embeddings=True, num_attention_heads=2, rotary_pct="absent", rotary_emb_base="absent",
        rope_parameters={"rope_type": "default", "rope_theta": 700.0, "partial_rotary_factor": 0.5}), "F32"),
}

# ---------------------------------------------------------------- random ones


def any_config(r):
    kind = r.choice(["mistral", "qwen2", "qwen3", "phi3", "gemma2", "smollm3", "olmo2", "gpt_neox", "llama"])
    heads = r.choice([1, 2, 3, 4, 6])
    layers = r.choice([2, 3, 4, 5])
    hd = r.choice([4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64])
    c = dict(num_attention_heads=heads, num_hidden_layers=layers, head_dim=hd, hidden_size=r.choice([24, 32, 40, 48, 72]),
             intermediate_size=r.choice([16, 40, 64, 100]), tie_word_embeddings=r.random() < 0.5,
             hidden_act=r.choice(["silu", "gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "swish"]))
    theta = r.choice([100.0, 10000.0, 1e6])
    part = r.choice([1.0, 1.0, 0.5, 0.75, 0.25, 0.3]) if kind in ("phi3", "gpt_neox") else 1.0
    dim = int(hd * part)
    if dim < 1 or 2 * ((dim + 1) // 2) > hd:
        part, dim = 1.0, hd
    pairs = (dim + 1) // 2
    scaling = r.choice([
        None, None, {"factor": 2.5, "rope_type": "linear"},
        {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32},
        {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32, **r.choice([{}, {"beta_fast": 8}, {"truncate": False}, {"attention_factor": 0.9}])},
        {"rope_type": "longrope", "original_max_position_embeddings": r.choice([16, 45, 100]),
         "short_factor": [1 + r.random() for _ in range(pairs)], "long_factor": [1 + 20 * r.random() for _ in range(pairs)]}])
    if kind == "phi3" and scaling and scaling["rope_type"] == "yarn":
        scaling = None                                     # there it is a name of longrope
    if r.random() < 0.5:
        c["rope_parameters"] = {"rope_theta": theta, **(scaling or {"rope_type": "default"}), "partial_rotary_factor": part}
        c["rope_theta"] = c["rotary_emb_base"] = c["rotary_pct"] = "absent"
    else:
        c["rope_scaling"] = scaling
        c["rotary_emb_base" if kind == "gpt_neox" else "rope_theta"] = theta
        c["rotary_pct" if kind == "gpt_neox" else "partial_rotary_factor"] = part
        if scaling and r.random() < 0.5:
            scaling["type"] = scaling.pop("rope_type")
        if kind == "gpt_neox":
            c["rope_theta"] = "absent"
    if kind != "gpt_neox":
        c["num_key_value_heads"] = r.choice([k for k in (1, 2, 3, 4, 6) if heads % k == 0])
        c["rms_norm_eps"] = r.choice([1e-6, 1e-5, 1e-2])
        c["attention_bias"] = r.random() < 0.3 if kind != "qwen2" else "absent"
        c["mlp_bias"] = r.random() < 0.3 if kind in ("llama", "smollm3") else "absent"
    else:
        c.update(use_parallel_residual=r.random() < 0.7, attention_bias=r.random() < 0.7, layer_norm_eps=r.choice([1e-5, 1e-2]))
    types = [r.choice([SLIDING, FULL]) for _ in range(layers)]
    c["sliding_window"] = None if kind in ("llama", "olmo2", "gpt_neox") else r.choice([None, 1, 2, 5, 13, 39, 40, 41, 300])
    if kind in ("qwen2", "qwen3", "smollm3"):
        c["use_sliding_window"] = r.random() < 0.7
        c["max_window_layers"] = r.choice([0, 1, 2, 30])
    if kind in ("qwen2", "qwen3", "smollm3", "gemma2") and r.random() < 0.5:
        c["layer_types"] = types if c["sliding_window"] and c.get("use_sliding_window", True) else [FULL] * layers
    if kind == "smollm3":
        c.update(r.choice([{"no_rope_layer_interval": r.choice([1, 2, 3])}, {"no_rope_layers": [r.choice([0, 1]) for _ in range(layers)]}]))
    if kind == "gemma2":
        c.update(query_pre_attn_scalar=r.choice([1, 20, 256]), attn_logit_softcapping=r.choice([None, 2.0, 50.0]),
                 final_logit_softcapping=r.choice([None, 5.0, 30.0]), hidden_activation=c["hidden_act"])
    # Keys that a family has a default for are left out now and then: what is left has to mean the same in both readers.
    for key in ("rms_norm_eps", "layer_norm_eps", "attn_logit_softcapping", "final_logit_softcapping", "query_pre_attn_scalar", "hidden_act",
                "attention_bias", "rope_theta", "rotary_emb_base", "rotary_pct", "max_position_embeddings", "sliding_window", "tie_word_embeddings"):
        if key in c and r.random() < 0.15:
            if not (key == "rotary_pct" and part != 0.25) and not (key == "sliding_window" and "layer_types" in c):
                c[key] = "absent"
    if c.get("hidden_act") == "absent" and kind == "gemma2":
        c["hidden_activation"] = "absent"
    if kind == "gemma2" and c.get("hidden_activation") != "absent":
        c["hidden_act"] = c["hidden_activation"]
    return config(kind, **c)


def main():
    root = sys.argv[1]
    if sys.argv[2:] == ["layers"]:
        figures = {}
        for name in sorted(os.listdir(root)):
            path = os.path.join(root, name, "expected.json")
            if os.path.exists(path):
                figures[name] = Reference(os.path.join(root, name)).layer_figures(json.load(open(path))["tokens"])
        text = json.dumps(json.loads(json.dumps(figures), parse_float=lambda v: round(float(v), 9)), indent=1)
        open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "layers.json"), "w").write(text + "\n")
        return
    if len(sys.argv) > 2:
        for seed in range(int(sys.argv[3])):
            r = random.Random(seed)
            cfg = any_config(r)
            write(os.path.join(root, "random_%03d_%s" % (seed, cfg["model_type"])), cfg, r.choice(["BF16", "F16", "F32"]), r.choice([1, 1, 3]), seed)
        return
    for seed, (name, (cfg, dtype)) in enumerate(VARIANTS.items()):
        write(os.path.join(root, name), cfg, dtype, 2 if seed % 5 == 0 else 1, seed)


if __name__ == "__main__":
    main()
